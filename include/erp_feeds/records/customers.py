"""SRS customers: people, known by their number or else by their e-mail address (rules: customers 1 to 12)."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import SkipCode
from erp_feeds.columns.arrow import array_of, frame_of, table_of, without
from erp_feeds.interfaces import mapping_of
from erp_feeds.interfaces.customers import SRS_CUSTOMERS
from erp_feeds.interfaces.spec import FieldType
from erp_feeds.interfaces.targets import PROFILE_FIELDS
from erp_feeds.merchant import Merchant
from erp_feeds.records.collapse import collapse, skipped
from erp_feeds.records.kind import Frames, LoadMethod, RecordKind, Rows, key_of
from erp_feeds.steps.map_fields import fill_profiles, with_custom_object
from erp_feeds.steps.result import StepResult, merged


def _deduplicate(frames: Frames, merchant: Merchant) -> StepResult:
    """Fill the profile fields, then collapse: the last record wins a profile's field (rule: customers 6)."""
    mapping = mapping_of(merchant, SRS_CUSTOMERS.name)
    profiles, unknown = fill_profiles(table_of(frames["records"]), mapping)
    unique, counts = collapse(profiles)
    if counts:
        unique = _with_last_addresses(unique)
    return StepResult({"records": frame_of(unique)}, merged(counts, unknown))


def _with_last_addresses(records: pa.Table) -> pa.Table:
    """Take the address from records where a later one of the same number has one (rule: customers 6)."""
    email = array_of(records["email"])
    number = without(array_of(records["number"]), email.is_null()).to_pandas()
    bearing = pd.DataFrame({"file": records["file"].to_numpy(), "number": number})
    replaced = bearing.duplicated(keep="last") & number.notna()
    place = records.column_names.index("email")
    return records.set_column(place, "email", without(email, pa.array(replaced)))


def _split(frames: Frames, _: Merchant) -> StepResult:
    """Skip customers that nothing identifies (rule: customers 4)."""
    records = table_of(frames["records"])
    nobody = array_of(records["key"]).is_null()
    profiles = with_custom_object(records.filter(pc.invert(nobody)))
    return StepResult(
        {"profiles": frame_of(profiles)}, skipped(SkipCode.NO_IDENTIFIER, records["file"], nobody)
    )


CUSTOMERS = RecordKind(
    key=key_of(*SRS_CUSTOMERS.key),
    deduplicate=_deduplicate,
    split=_split,
    rows=Rows(LoadMethod.PEOPLE, "profiles", fields=tuple(PROFILE_FIELDS)),
    lenient=frozenset({FieldType.DATE}),  # a withdrawn consent never waits for one (rule: customers 11)
    people=("profiles",),
)
