"""What a merchant file says: a model that rejects what it does not know."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from croniter.croniter import CroniterError
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from erp_feeds.errors import nearest
from erp_feeds.merchant.interface_settings import InterfaceSettings
from erp_feeds.merchant.strict import Strict
from erp_feeds.merchant.values import (
    Address,
    Duration,
    Folder,
    Root,
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


class Ftps(Strict):
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


class Alerts(Strict):
    """Who hears of incidents."""

    email: tuple[Address, ...] = Field((), description="Addresses of the people on call")
    email_connection: str = Field("smtp_default", description="Airflow connection id (type smtp)")
    email_from: Address = Field("erp-feeds@localhost", description="Sender of the alert mails")
    apprise: tuple[str, ...] = Field(
        (), description="Airflow connection ids (type apprise): chat, push, pagers"
    )


class Limits(Strict):
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


class Retention(Strict):
    """How long what was received is kept."""

    archive_days: int | None = Field(
        None,
        gt=0,
        le=36_500,
        description="Days after which an archived original is deleted; kept forever if not set",
    )


class Feedback(Strict):
    """What the ERP party gets to read about its own files."""

    format: Literal["xml", "csv"] = Field("xml", description="Layout of the result files")
    folder: Folder = Field(
        "results", description="Folder of the result files, below ftps.root; it is made where it is missing"
    )


class Merchant(Strict):
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
    settings: Literal["file", "store"] = Field(
        "file",
        description="Where elements, extra_elements and mapping of the interfaces are kept, and which are "
        "switched on. store: the pages edit them; the file's count until the first revision",
    )
    interfaces: dict[str, InterfaceSettings] = Field(
        description="Interfaces switched on; {} leaves them to the pages, with `settings: store`"
    )
    schedule: str = Field("0 0 * * *", description="Cron of the daily run, in the merchant's zone")
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

    @field_validator("interfaces")
    @classmethod
    def _some_unless_in_store(
        cls, value: dict[str, InterfaceSettings], info: ValidationInfo
    ) -> dict[str, InterfaceSettings]:
        if not value and info.data.get("settings") == "file":
            raise ValueError(
                "names no interface, so no file would be read: name one, or write `settings: store` and "
                "switch it on in the pages"
            )
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
            raise ValueError(f"must be a day from {FIRST_YEAR}-01-01 to today")
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
