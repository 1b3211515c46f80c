"""What a merchant file says of an interface: what fills the fields, when files are late or quarantined."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from erp_feeds.merchant.strict import Strict
from erp_feeds.merchant.values import Duration, TimeOfDay, duration_in_words


class LinkSettings(Strict):
    """How one target is filled."""

    source: str | None = Field(
        None, alias="from", min_length=1, description="Column name, or name of an extra element"
    )
    join: tuple[str, ...] = Field(
        (), description="Several of them, joined by a space; missing ones are left out"
    )
    transform: str | None = Field(None, description="Named transform; that of the target by default")
    date_form: str | None = Field(
        None, description="How the ERP writes a date: %d, %m and %Y once each, for example %d-%m-%Y"
    )
    empty: Literal["keep", "clear"] = Field(
        "keep", description="What an empty element does to the field; a missing one always keeps it"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names that fill the target."""
        return self.join if self.source is None else (self.source,)

    @model_validator(mode="before")
    @classmethod
    def _a_link(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError("a link is {from: NAME} or {join: [NAME, NAME]}; null unlinks a default")  # noqa: TRY004 - pydantic does not report a TypeError
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.source is None) == (not self.join):
            raise ValueError("a link has either from or join")
        if self.join and (len(self.join) < 2 or len(set(self.join)) < len(self.join)):
            raise ValueError("a join has two or more different parts; for one, write from")
        return self

    @field_validator("date_form")
    @classmethod
    def _whole_dates(cls, value: str | None) -> str | None:
        if value is not None and (sorted(re.findall("%(.?)", value)) != ["Y", "d", "m"] or len(value) > 20):
            raise ValueError("a date form has %d, %m and %Y once each, with what stands between them")
        if value is not None and not value.isprintable():
            raise ValueError("a date form has no invisible characters")
        return value


class Freshness(Strict):
    """When a file of an interface is late: by the age of the latest one, or by a time of day."""

    warn_after: Duration | None = Field(
        None, description="Age of the latest file above which the feed is late: 90m, 26h, 2d; 26h by default"
    )
    error_after: Duration | None = Field(
        None, description="Age above which the feed is missing; 36h by default"
    )
    expected_by: TimeOfDay | None = Field(
        None,
        description="Instead: time of day in the merchant's zone by which each day's file is there; "
        "from then on it is late, and 12 hours later missing",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.expected_by and (self.warn_after or self.error_after):
            raise ValueError("needs either expected_by, or warn_after and error_after")
        if not self.expected_by and self.ages[0] >= self.ages[1]:
            warn, error = map(duration_in_words, self.ages)
            raise ValueError(f"warn_after ({warn}) must be shorter than error_after ({error})")
        return self

    @property
    def ages(self) -> tuple[timedelta, timedelta]:
        """Return the ages from which the feed is late, and missing; what is not set allows one file a day."""
        return self.warn_after or timedelta(hours=26), self.error_after or timedelta(hours=36)


class FieldSettings(Strict):
    """What fills the fields of an interface: the part of a merchant file that the store may keep instead."""

    elements: dict[str, str] = Field(
        default_factory=dict, description="Column name -> element name, where this ERP differs"
    )
    extra_elements: tuple[str, ...] = Field(
        (), description="Elements of a record beside the documented ones, as sources of the mapping"
    )
    mapping: dict[str, LinkSettings | None] = Field(
        default_factory=dict, description="Target -> how it is filled, where not by default; null unlinks it"
    )


class SettingsDocument(Strict):
    """What the store keeps of a merchant whose file says `settings: store`."""

    interfaces: dict[str, FieldSettings] = Field(min_length=1, description="Interfaces switched on")


class InterfaceSettings(FieldSettings):
    """One interface of this merchant."""

    accepted_importers: tuple[str, ...] = Field(
        (), description="Importer texts to accept besides the documented one"
    )
    excluded_skus: tuple[str, ...] = Field(
        (), description="Articles such as deposits that do not decide between order and return"
    )
    # Never by default: the files are incremental, so each good record is right by itself, and one bad record
    # is a large share of a small file. Worth setting where a file is a whole export, or may break as a whole.
    max_reject_percent: float = Field(
        100,
        ge=0,
        le=100,
        description="Percent of rejected records above which the whole file is quarantined",
    )
    on_too_many_rejects: Literal["quarantine", "ask"] = Field(
        "quarantine",
        description="ask: also ask people in Airflow whether the good records of such a file shall load",
    )
    index: Literal["timestamp", "sequence"] = Field(
        "timestamp", description="sequence: index numbers count up by one, and a gap is a warning"
    )
    freshness: Freshness | None = Field(
        Freshness(),
        description="When a file is late or missing, once the first has come: at least one a day by default; "
        "null: never",
    )

    @model_validator(mode="after")
    def _asks_of_something(self) -> Self:
        if self.on_too_many_rejects == "ask" and self.max_reject_percent == 100:
            raise ValueError("on_too_many_rejects: ask needs a max_reject_percent below 100")
        return self
