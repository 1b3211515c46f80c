"""Mapping: what fills each field of customers and purchases; checked, tried on the last file, then saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import psycopg
import yaml
from fastapi import Depends, Path
from pydantic import Field

from erp_feeds.batch import Replay
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.mapping import as_delivered
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import FieldSettings, InterfaceSettings, Merchant, SettingError
from erp_feeds.merchant_file import dotted, settings_of, with_settings
from erp_feeds.operations.dry_run import DryRun, dry_run_in_airflow
from erp_feeds.operations.source_samples import Samples, latest_file, latest_samples
from erp_feeds.store import audit, merchant_settings
from erp_feeds.store.connection import LOCK_SECONDS
from erp_feeds.store.merchant_settings import Change
from erp_feeds.web import mapping_form
from erp_feeds.web.configuration import configured, of_file
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor
from erp_feeds.web.mapping_form import Element, Fields, Row, Source, Suggestions
from erp_feeds.web.revisions import SAVED, Saved
from erp_feeds.web.routes import Routes

MAX_TRIED_BYTES = 5 << 20
"""Bytes of the largest file on which a mapping is tried during a request."""
EXAMPLES = 5
"""Rows of each table that a trial shows."""
MAPPED = [name for name, interface in INTERFACES.items() if interface.targets]

InterfaceName = Annotated[
    str, Path(max_length=100, examples=["srs_customers"], description="With a mapping.")
]


@dataclass(frozen=True)
class Checked:
    """What settings would mean."""

    errors: list[str]
    """Place and what is wrong there, by the checks of `python -m erp_feeds check`."""
    changes: list[Change]
    """How they differ from what counts now."""
    yaml: str
    """The interface as a merchant file says it; empty where there are errors."""


@dataclass(frozen=True)
class MappingPage:
    """What fills each field of one interface."""

    merchant: str
    interface: str
    title: str
    is_in_store: bool
    """Whether it is saved here; else the YAML goes into the merchant file."""
    revision: int
    """Of the settings in the store; 0: those of the merchant file."""
    is_on: bool
    """Whether the merchant has the interface switched on."""
    replaces: bool
    """Whether a newer record replaces the stored one as a whole, so that no field is kept or cleared."""
    rows: list[Row]
    sources: list[Source]
    elements: list[Element]
    suggestions: Suggestions
    """For the names of elements, while a person types them."""
    extra_elements: list[str]
    sample_file: str | None
    """From which the values are; personal data."""
    sample_day: date | None
    """The day that file counts for: that of its index, not of its upload."""
    checked: Checked


class Saving(FieldSettings):
    """Settings of one interface, to be saved."""

    message: str = Field("", max_length=500, description="Why.", examples=["the loyalty card"])
    after: int | None = Field(None, ge=0, description="Revision that you have seen; the latest by default.")


def mapped(interface: InterfaceName) -> Interface:
    """Return an interface that has a mapping."""
    if interface not in MAPPED:
        raise FailError(f"no mapping '{interface}': there are {', '.join(MAPPED)}", "not_found")
    return INTERFACES[interface]


Mapped = Annotated[Interface, Depends(mapped)]


def mapping(caller: PeopleEditor, store: Store, interface: Mapped) -> MappingPage:
    """Return what fills each field now, and what may; with values of the latest file."""
    merchant = configured(caller.merchant)
    return page_of(store, caller.name, merchant, interface, fields_of(merchant, interface))


def check(caller: PeopleEditor, interface: Mapped, fields: FieldSettings) -> Checked:
    """Check settings of an interface, without saving them."""
    return _checked(configured(caller.merchant), interface, mapping_form.as_json(fields))[0]


def dry_run(caller: PeopleEditor, store: Store, interface: Mapped, fields: FieldSettings) -> DryRun:
    """Try settings on the latest file of the interface: what would change, and nothing is written."""
    return tried(store, caller.name, configured(caller.merchant), interface, mapping_form.as_json(fields))


def save(caller: PeopleEditor, store: Store, interface: Mapped, body: Saving) -> Saved:
    """Save settings of an interface as a new revision, which counts from the next run on."""
    merchant = configured(caller.merchant)
    fields = mapping_form.as_json(
        FieldSettings(**{key: getattr(body, key) for key in FieldSettings.model_fields})
    )
    document = document_of(merchant, interface, fields)
    found = merchant_settings.save(
        store, of_file(merchant.name), document, author=caller.name, message=body.message, after=body.after
    )
    return Saved(found.merchant, found.revision)


def fields_of(merchant: Merchant, interface: Interface) -> dict[str, Any]:
    """Return the settings of an interface that count now."""
    found: dict[str, Any] = settings_of(merchant)["interfaces"].get(interface.name, {})
    return found


def document_of(merchant: Merchant, interface: Interface, fields: Fields) -> dict[str, Any]:
    """Return the whole settings of a merchant with those of one interface replaced."""
    return {"interfaces": {**settings_of(merchant)["interfaces"], interface.name: fields}}


def _checked(merchant: Merchant, interface: Interface, fields: Fields) -> tuple[Checked, list[SettingError]]:
    """Check settings; also return the errors with their places below the interface."""
    document = document_of(merchant, interface, fields)
    found, errors = with_settings(merchant, document)
    below = [(place[2:], text) for place, text in errors]
    changes = merchant_settings.changes(settings_of(merchant), document)
    text = _yaml(found, interface) if found else ""
    return Checked([f"{dotted(place)} {said}" for place, said in below], [*changes], text), below


def _yaml(merchant: Merchant, interface: Interface) -> str:
    dumped = merchant.model_dump(mode="json", include={"interfaces": {interface.name}}, exclude_defaults=True)
    return yaml.safe_dump(dumped, sort_keys=False, allow_unicode=True)


def page_of(
    store: psycopg.Connection, who: str, merchant: Merchant, interface: Interface, fields: Fields
) -> MappingPage:
    """Return the page of some settings, with values of the latest file, which is noted in the audit."""
    checked, errors = _checked(merchant, interface, fields)
    delivered = as_delivered(interface, merchant.interfaces.get(interface.name, InterfaceSettings()))
    samples: Samples | None = latest_samples(store, merchant, delivered)
    if samples:
        audit.note(store, who, merchant.name, "values of a file seen", samples.file.name)
    return MappingPage(
        merchant=merchant.name,
        interface=interface.name,
        title=interface.title,
        is_in_store=merchant.settings == "store",
        revision=merchant.revision or 0,
        is_on=interface.name in merchant.interfaces,
        replaces=interface.replaces,
        rows=mapping_form.rows(interface, fields, errors),
        sources=mapping_form.sources(interface, delivered, fields, samples),
        elements=mapping_form.elements(interface, fields, errors),
        suggestions=mapping_form.suggestions(interface, delivered, samples),
        extra_elements=list(fields.get("extra_elements") or ()),
        sample_file=samples.file.name if samples else None,
        sample_day=samples.file.day if samples else None,
        checked=checked,
    )


def tried(
    store: psycopg.Connection, who: str, merchant: Merchant, interface: Interface, fields: Fields
) -> DryRun:
    """Try settings on the latest file, and note it in the audit.

    Raises:
        FailError: they have errors, or no file can be tried here.
        RetryError: a load of the merchant is running.
    """
    found, errors = with_settings(merchant, document_of(merchant, interface, fields))
    if found is None:
        raise FailError(
            "; ".join(f"{dotted(place[2:])} {text}" for place, text in errors), "invalid_settings"
        )
    file = latest_file(store, merchant, interface)
    if file is None or not file.archived or file.archive_deleted_at:
        raise FailError(f"no file of {interface.name} is archived to try it on", "not_archived")
    if file.size > MAX_TRIED_BYTES:
        raise FailError(
            "the latest file is too large to be tried here: save, then start a dry run", "too_large"
        )
    audit.note(store, who, merchant.name, "mapping tried", file.name)
    proposed = found.at_revision(merchant.revision or 0)
    return dry_run_in_airflow(proposed, Replay(file_ids=(file.file_id,)), EXAMPLES, lock_seconds=LOCK_SECONDS)


ROW = {
    "target": "firstname",
    "description": "First name",
    "sources": ["first_name"],
    "transform": "",
    "date_form": "",
    "empty": "keep",
    "origin": "default",
    "default": ["first_name"],
    "fixed": "",
    "is_of_line": False,
    "errors": [],
}
SOURCE = {
    "name": "first_name",
    "element": "FirstName",
    "description": "First name",
    "carried": 2,
    "sample": "Jane",
    "is_of_line": False,
    "is_new": False,
}
CHECKED: dict[str, Any] = {
    "errors": [],
    "changes": [
        {"place": "srs_customers.mapping.custom_card", "before": "", "after": '{"from": "LoyaltyCard"}'}
    ],
    "yaml": "interfaces:\n  srs_customers:\n    extra_elements: [LoyaltyCard]\n",
}
MAPPING = {
    "merchant": "testshop",
    "interface": "srs_customers",
    "title": "SRS customers",
    "is_in_store": True,
    "revision": 3,
    "is_on": True,
    "replaces": False,
    "rows": [ROW],
    "sources": [SOURCE],
    "elements": [{"column": "city", "default": "City", "said": "Plaats", "error": "", "is_of_line": False}],
    "suggestions": {"of_records": ["LoyaltyCard", "FirstName"], "of_lines": []},
    "extra_elements": [],
    "sample_file": "TestShop_SRS_Customers_20260131060000.zip",
    "sample_day": "2026-01-31",
    "checked": {**CHECKED, "changes": []},
}
DRY_RUN: dict[str, Any] = {"files": [], "tables": {}, "resolved": {}, "opened": {}}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    one = "/merchants/{merchant}/mapping/{interface}"
    routes.get(one, mapping, example=MAPPING, tag="Mapping")
    routes.post(one + "/checks", check, example=CHECKED, tag="Mapping")
    routes.post(one + "/dry-runs", dry_run, example=DRY_RUN, tag="Mapping")
    routes.post(one + "/revisions", save, example=SAVED, tag="Mapping")
