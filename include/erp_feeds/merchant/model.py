"""What a merchant file says: a model that rejects what it does not know."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from croniter.croniter import CroniterError
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from erp_feeds.errors import nearest
from erp_feeds.merchant.values import (
    Address,
    Duration,
    Folder,
    Root,
    TimeOfDay,
    duration_in_words,
    matched_email,
)

Location = tuple[str | int, ...]
"""Keys and positions that lead to a place of the file."""

SettingError = tuple[Location, str]
"""Where, and what is wrong there."""

NO_CUSTOMER = ("0", "000", "-1")
"""Customer numbers that no ERP gives to anybody (rule: customers 7)."""
FIRST_YEAR = 1970
"""Of `history_from`: before it, times in the merchant's zone leave the calendar of Python and PostgreSQL."""
DAY = 24 * 60 * 60
"""Seconds."""

time_zones = cache(available_timezones)
"""The names of all; to find them takes longer than to read a merchant file."""


class _Strict(BaseModel):
    """Frozen, and rejects unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True, serialize_by_alias=True
    )


class Ftps(_Strict):
    """Where the ERP party places files."""

    connection: str = Field(min_length=1, description="Airflow connection id (type FTPS) of the FTPS server")
    root: Root = Field("/", description="Folder that holds srs and ErpCache; backslashes are accepted")
    poll_interval: float = Field(30, gt=0, le=DAY, description="Seconds between two scans of the inbox")
    stable_for: float = Field(10, ge=0, le=DAY, description="Seconds without change until a file is complete")
    after_load: Literal["leave", "move", "delete"] = Field(
        "leave", description="What becomes of a file on the server once its load has committed"
    )
    processed_folder: Folder = Field(
        "processed", description="Where 'move' puts it, below the folder of its interface"
    )

    @property
    def root_path(self) -> str:
        """Return the root with slashes, as every server takes it."""
        return self.root.replace("\\", "/")


class LinkSettings(_Strict):
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


class Freshness(_Strict):
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
            raise ValueError("has either expected_by, or warn_after and error_after")
        if not self.expected_by and self.ages[0] >= self.ages[1]:
            warn, error = map(duration_in_words, self.ages)
            raise ValueError(f"warn_after ({warn}) is shorter than error_after ({error})")
        return self

    @property
    def ages(self) -> tuple[timedelta, timedelta]:
        """Return the ages from which the feed is late, and missing; what is not set allows one file a day."""
        return self.warn_after or timedelta(hours=26), self.error_after or timedelta(hours=36)


class FieldSettings(_Strict):
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


class SettingsDocument(_Strict):
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


class Alerts(_Strict):
    """Who hears of incidents."""

    email: tuple[Address, ...] = Field((), description="Addresses of the people on call")
    email_connection: str = Field("smtp_default", description="Airflow connection id (type smtp)")
    email_from: Address = Field("erp-feeds@localhost", description="Sender of the alert mails")
    apprise: tuple[str, ...] = Field(
        (), description="Airflow connection ids (type apprise): chat, push, pagers"
    )


class Limits(_Strict):
    """How much a file or run of this merchant may hold; above it a file is quarantined or waits."""

    task_hours: float = Field(
        6, gt=0, le=240, description="Hours after which a task is stopped and tried again"
    )
    run_hours: float = Field(24, gt=0, le=240, description="Hours after which a run is failed")
    files_per_run: int = Field(
        200, gt=0, le=10_000, description="A run takes at most this many files; the rest follow"
    )
    bytes_per_run: int = Field(
        16_000_000,
        gt=0,
        description="Bytes of zips from which on a run takes no further file; the next begins meanwhile",
    )
    members: int = Field(100, gt=0, description="Members of one zip")
    unzipped_bytes: int = Field(20_000_000_000, gt=0, description="Bytes of one unzipped file")
    ratio: int = Field(1_000, gt=0, description="Unzipped size over zipped size")
    record_bytes: int = Field(
        4_000_000,
        gt=0,
        description="Bytes of XML without the end of a record, above which a file is quarantined",
    )
    depth: int = Field(32, gt=0, le=255, description="Nesting depth of elements, the root included")
    fields: int = Field(
        1_000, gt=0, description="Elements in one record or line, above which the record is rejected"
    )
    attributes: int = Field(100, gt=0, description="Attributes of one element")
    namespaces: int = Field(100, gt=0, description="Namespaces declared for all records")
    incomplete_attempts: int = Field(
        3, gt=0, le=1_000, description="Fetches of a truncated file before it is quarantined"
    )


class Retention(_Strict):
    """How long what was received is kept."""

    archive_days: int | None = Field(
        None,
        gt=0,
        le=36_500,
        description="Days after which an archived original is deleted; kept forever if not set",
    )


class Feedback(_Strict):
    """What the ERP party gets to read about its own files."""

    format: Literal["xml", "csv"] = Field("xml", description="Layout of the result files")
    folder: Folder = Field(
        "results", description="Folder of the result files, below ftps.root; it is made where it is missing"
    )


class Merchant(_Strict):
    """One client: one file, one DAG, one FTPS root, one set of rows."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Id of the DAG and of all rows of this merchant"
    )
    shop_name: str = Field(
        min_length=1, pattern=r"^[^/\\]+$", description="[SHOPNAME] of the file names, letter for letter"
    )
    title: str = Field("", description="Name for people")
    owner: str = Field("data-engineering", description="Team that owns the DAG")
    owner_link: str = Field(
        "",
        pattern=r"^(https?://\S+|mailto:\S+@\S+)?$",
        description="Where to find the owner, from Airflow's list of DAGs: an https:// or mailto: address",
    )
    timezone: str = Field(description="Zone of times without one, for example Europe/Amsterdam")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code of amounts without one")
    ftps: Ftps
    interfaces: dict[str, InterfaceSettings] = Field(min_length=1, description="Interfaces switched on")
    settings: Literal["file", "store"] = Field(
        "file",
        description="Where elements, extra_elements and mapping of the interfaces are kept, and which are "
        "switched on. store: the pages edit them; the file's count until the first revision",
    )
    schedule: str = Field("0 0 * * *", description="Cron of the daily sweep, in the merchant's zone")
    paused: bool = Field(
        default=False,
        description="Whether the DAG is paused when Airflow first sees it; later Airflow's switch counts",
    )
    history_from: date = Field(date(2015, 1, 1), description="First day that a backfill may replay")
    alerts: Alerts = Alerts()
    unreachable_after: Duration = Field(
        timedelta(hours=1), description="How long no scan of the inbox may succeed until somebody is alerted"
    )
    limits: Limits = Limits()
    retention: Retention = Retention()
    feedback: Feedback | None = Field(
        None, description="Result files for the ERP party; none are written if not set"
    )
    excluded_identifiers: tuple[str, ...] = Field(
        NO_CUSTOMER,
        description="Customer numbers that mean 'no customer', beside 0, 000 and -1, which always do",
    )
    excluded_emails: tuple[str, ...] = Field(
        (),
        description="E-mail addresses that mean 'no customer', such as a shop's own, which would join many",
    )

    _revision: int | None = PrivateAttr(None)

    @property
    def revision(self) -> int | None:
        """Number of the settings in the store that this merchant has; None: those of its file."""
        return self._revision

    def at_revision(self, number: int) -> Self:
        """Return the merchant as one that has a revision of the store's settings."""
        made = self.model_copy()
        made._revision = number
        return made

    def local_time(self, moment: datetime) -> str:
        """Return a moment as the merchant's people read it: 2026-01-31 14:05, in their zone."""
        return f"{moment.astimezone(ZoneInfo(self.timezone)):%Y-%m-%d %H:%M}"

    def zoned_time(self, moment: datetime) -> str:
        """Return the same with the zone, where nothing else says it."""
        return f"{self.local_time(moment)} ({self.timezone})"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError(f"no such time zone; {nearest(value, time_zones())}")
        return value

    @field_validator("schedule")
    @classmethod
    def _is_ever_due(cls, value: str) -> str:
        if len(value.split()) != 5:
            raise ValueError("a cron expression has five parts: minute hour day month weekday")
        try:
            croniter(value, datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)).get_next()
        except (CroniterError, ValueError, OverflowError):
            text = "is never due; minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7, e.g. 0 0 * * *"
            raise ValueError(text) from None
        return value

    @field_validator("history_from")
    @classmethod
    def _of_this_age(cls, value: date) -> date:
        if not date(FIRST_YEAR, 1, 1) <= value <= datetime.now(UTC).date():
            raise ValueError(f"is a day from {FIRST_YEAR}-01-01 to today")
        return value

    @field_validator("excluded_identifiers")
    @classmethod
    def _beside_the_fixed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any("@" in number for number in value):
            raise ValueError("an address is no customer number: write it under excluded_emails")
        return tuple(dict.fromkeys((*NO_CUSTOMER, *value)))

    @field_validator("excluded_emails")
    @classmethod
    def _as_matched(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(matched_email, value))
