"""From SRS customer fields to profile fields: the default links, declared as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pycountry

from erp_feeds.batch import Counts
from erp_feeds.errors import WarningCode
from erp_feeds.merchant import Merchant
from erp_feeds.steps.frames import (
    Column,
    array_of,
    count_true,
    escaped_json,
    frame_of,
    is_true,
    names_where,
    table_of,
    without,
)
from erp_feeds.steps.outcome import Outcome

Transform = Callable[..., Column]
"""Takes the source columns, gives the target column; null where the sources mean nothing."""

CUSTOM = "custom_"
"""Targets with this prefix become members of the JSON object `custom`."""


@dataclass(frozen=True)
class Link:
    """One profile field and the source fields that fill it."""

    target: str
    sources: tuple[str, ...]
    transform: Transform | None = None
    clears: bool = False
    """Whether an empty source clears the profile field; else it keeps its value (rule: customers 10)."""


def _joined(infix: Column, name: Column) -> Column:
    """Join infix and last name; an infix alone is no name."""
    return pc.coalesce(pc.binary_join_element_wise(infix, name, " "), name)


_GENDERS = {
    "M": ("m", "man", "male", "dhr", "heer"),
    "F": ("v", "f", "vrouw", "female", "mevr", "mevrouw"),
    "U": ("o", "u", "onbekend", "unknown"),
}
_GENDER_OF = {word: gender for gender, words in _GENDERS.items() for word in words}


def _gender(column: Column) -> Column:
    """Return M, F or U (rule: customers 11)."""
    return _by_unique_value(column, lambda value: _GENDER_OF.get(value.lower().rstrip(".")))


_LOCAL_COUNTRIES = {
    "nederland": "NL",
    "holland": "NL",
    "the netherlands": "NL",
    "belgië": "BE",
    "belgie": "BE",
    "belgique": "BE",
    "duitsland": "DE",
    "deutschland": "DE",
    "frankrijk": "FR",
    "luxemburg": "LU",
    "verenigd koninkrijk": "GB",
    "groot-brittannië": "GB",
    "engeland": "GB",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "ierland": "IE",
    "spanje": "ES",
    "españa": "ES",
    "italië": "IT",
    "italia": "IT",
    "oostenrijk": "AT",
    "österreich": "AT",
    "zwitserland": "CH",
    "schweiz": "CH",
    "suisse": "CH",
    "denemarken": "DK",
    "danmark": "DK",
    "zweden": "SE",
    "sverige": "SE",
    "noorwegen": "NO",
    "norge": "NO",
    "polen": "PL",
    "polska": "PL",
    "verenigde staten": "US",
}
"""Names that people write and ISO 3166-1 does not list."""


def _country_code(value: str) -> str | None:
    if code := _LOCAL_COUNTRIES.get(value.lower()):
        return code
    try:
        return str(pycountry.countries.lookup(value).alpha_2)
    except LookupError:
        return None


def _country(column: Column) -> Column:
    """Return the alpha-2 code of codes and names (rule: customers 11)."""
    return _by_unique_value(column, _country_code)


def _phone(column: Column) -> Column:
    """Keep digits, - and +; the (0) that nobody dials behind a country code goes."""
    dialled = pc.replace_substring_regex(column, r"^(\+|00)([^(]*)\(0\)", r"\1\2")
    plain = pc.replace_substring_regex(dialled, "[^0-9+-]", "")
    return without(plain, pc.invert(is_true(pc.match_substring_regex(plain, "[0-9]"))))


def _by_unique_value(column: Column, meaning: Callable[[str], str | None]) -> Column:
    """Look up each distinct value once."""
    encoded = pc.dictionary_encode(column)
    meanings = pa.array([meaning(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(meanings, encoded.indices)


CUSTOMER_LINKS: tuple[Link, ...] = (
    Link("number", ("customer_number",)),
    Link("email", ("email",)),
    Link("firstname", ("first_name",)),
    Link("lastname", ("infix", "last_name"), _joined),
    Link("gender", ("gender",), _gender),
    Link("birthdate", ("birth_date",)),
    Link("phone", ("phone",), _phone),
    Link("postcode", ("postal_code",)),
    Link("city", ("city",)),
    Link("country", ("country",), _country),
    Link("newsletter", ("newsletter",)),
    Link("custom_srs_customer_number", ("customer_number",)),
    Link("custom_street", ("street",)),
    Link("custom_housenumber", ("house_number",)),
)
"""The links that Activate makes by default, with the number in a custom field too (rule: customers 12)."""


def map_customers(
    records: pd.DataFrame,
    merchant: Merchant,  # noqa: ARG001 - its own links will come with its file
    links: Sequence[Link] = CUSTOMER_LINKS,
) -> Outcome:
    """Fill profile fields from SRS customer fields.

    Args:
        records: Customers as deduplicate left them.
        merchant: Whose customers they are; its own links will come with its file.
        links: Target fields and their sources.

    Returns:
        Frame `profiles`: record, a column for each link, `custom` (a JSON object as text), `cleared`. Values
        without a known meaning are left out and counted as unknown_value.
    """
    table = table_of(records)
    columns: dict[str, Column] = {"record": array_of(table["record"])}
    custom: dict[str, Column] = {}
    unknown = 0
    for link in links:
        sources = [array_of(table[name]) for name in link.sources]
        values = link.transform(*sources) if link.transform else sources[0]
        lost = values.is_null()
        unknown += count_true(pc.and_(lost, sources[-1].is_valid()))
        if link.target.startswith(CUSTOM):
            custom[link.target] = values
        else:
            columns[link.target] = values
    columns["custom"] = _json_objects(custom, len(table))
    columns["cleared"] = _cleared(array_of(table["cleared"]), links)
    warnings = {WarningCode.UNKNOWN_VALUE.value: unknown} if unknown else {}
    return Outcome({"profiles": frame_of(pa.table(columns))}, Counts(warnings=warnings))


def _json_objects(members: Mapping[str, Column], rows: int) -> Column:
    """Return one JSON object a row, of the members that have a value."""
    if not members:
        return pa.array(["{}"] * rows, pa.string())
    quote = pa.scalar('"')
    pieces = []
    for name, column in members.items():
        text = escaped_json(pc.cast(column, pa.string()))
        member = pc.binary_join_element_wise(pa.scalar(f',"{name}":"'), text, quote, "")
        pieces.append(pc.fill_null(member, ""))
    # Arrow's own null_handling="skip" drops the rows in which every piece is null.
    inner = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*pieces, ""), 1)
    return pc.binary_join_element_wise(pa.scalar("{"), inner, pa.scalar("}"), "")


def _cleared(delivered: Column, links: Sequence[Link]) -> Column:
    """Name the profile fields that a link tells to clear because their source came empty."""
    masks = {
        link.target: is_true(pc.match_substring(delivered, f",{link.sources[-1]},"))
        for link in links
        if link.clears
    }
    return names_where(masks, len(delivered))
