"""The manifest of one run: its files, and the path of each step's output. Nothing else crosses XCom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator


class WhyNotTaken(StrEnum):
    """Why no run takes a file of an inbox."""

    MISNAMED = "misnamed"
    SWITCHED_OFF = "switched_off"
    OTHER_SHOP = "other_shop"
    UNKNOWN_NAME = "unknown_name"


@dataclass(frozen=True)
class NotTaken:
    """A file in an inbox that no run takes."""

    path: str
    why: str
    """A WhyNotTaken."""
    shop: str = ""
    """Whose file it is, where it is another shop's: the first one of each is named."""


class RemoteFile(BaseModel):
    """A file as the inbox lists it; name, size and time together identify it."""

    model_config = ConfigDict(frozen=True)

    interface: str
    name: str
    size: int
    """Bytes."""
    modified: datetime
    """When the server says it was last changed, in UTC."""
    path: str = ""
    """Path on the server."""
    listed: str = ""
    """The time as the listing gives it, where that is not to the second; see `Entry.listed`."""


class Replay(BaseModel):
    """Which files run again; a field that is not given does not narrow the choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_ids: tuple[int, ...] = ()
    """Of the ledger."""
    files: tuple[str, ...] = ()
    """Names; every revision of each."""
    rejects: str | None = None
    """Files with an open reject of this code, or quarantined with it and not replaced since."""
    since: date | None = None
    until: date | None = None
    """The last day, included."""
    dry_run: bool = False
    """Show what would change, and write nothing."""

    @field_validator("files")
    @classmethod
    def _without_blanks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names are pasted into a form, a line each: with empty lines, and spaces at their ends."""
        return tuple(name for each in names if (name := each.strip()))

    def within(self, start: date, end: date) -> Self:
        """Narrow the choice to files of the days [start, end)."""
        last = end - timedelta(days=1)
        since, until = max(self.since or start, start), min(self.until or last, last)
        return self.model_copy(update={"since": since, "until": until})

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self | None:
        """Read the parameters of a DAG run; None where they name no replay."""
        given = {name: params.get(PARAM + name) for name in cls.model_fields}
        replay = cls.model_validate({name: value for name, value in given.items() if value})
        return replay if replay != cls() else None

    def to_params(self) -> dict[str, Any]:
        """Return what `from_params` reads, as JSON types."""
        given = self.model_dump(mode="json", exclude_defaults=True)
        return {PARAM + name: value for name, value in given.items()}


PIPELINE = ("download", "unzip", "parse", "deduplicate", "split", "load", "report")
"""The tasks after `sense`, in their order: a run that reaches `report` has completed all before it."""

PARAM = "replay_"
"""Prefix of the parameters of a run that describe a replay."""


class Counts(BaseModel):
    """What became of a file's records: read = loaded + collapsed + skipped + rejected."""

    model_config = ConfigDict(frozen=True)

    read: int = 0
    loaded: int = 0
    collapsed: int = 0
    skipped: dict[str, int] = Field(default_factory=dict)
    rejected: dict[str, int] = Field(default_factory=dict)
    warnings: dict[str, int] = Field(default_factory=dict)
    elements: dict[str, int] = Field(default_factory=dict)
    """Element of the interface that the file carried -> in how many records or lines."""
    unknown: dict[str, int] = Field(default_factory=dict)
    """Element that the interface does not know -> how often; see `xml.schema_drift`."""

    def plus(self, other: Counts) -> Counts:
        """Add the counts that two steps made of the same file."""
        return Counts(
            read=self.read + other.read,
            loaded=self.loaded + other.loaded,
            collapsed=self.collapsed + other.collapsed,
            skipped=_added(self.skipped, other.skipped),
            rejected=_added(self.rejected, other.rejected),
            warnings=_added(self.warnings, other.warnings),
            elements=_added(self.elements, other.elements),
            unknown=_added(self.unknown, other.unknown),
        )

    @classmethod
    def sum(cls, parts: Iterable[Counts]) -> Counts:
        """Add the counts of several files, or of several parts of one."""
        return reduce(cls.plus, parts, cls())


def _added(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {code: left.get(code, 0) + right.get(code, 0) for code in sorted({*left, *right})}


class FeedFile(BaseModel):
    """One file in the pipeline: paths and counts only, never data."""

    model_config = ConfigDict(frozen=True)

    file_id: int
    interface: str
    name: str
    size: int
    path: str = ""
    """Path on the FTPS server; empty for files that come from the archive."""
    index_number: str
    sequence: str = ""
    """Index and revision as one number, for example '20170101.0001'; orders the files of an interface."""
    archived: str = ""
    """URL of the original bytes."""
    members: tuple[str, ...] = ()
    """URLs of the staged XML members, in name order."""
    unzipped: int = 0
    """Bytes of the members."""
    staged: dict[str, str] = Field(default_factory=dict)
    """Frame name -> URL of its Arrow file, as the latest step left it; files of one group share them."""
    pieces: int = 1
    """In which the records are in the staged frames; those that belong together are in one."""
    before: int = 0
    """How many records come before its own in the staged frames, numbered consecutively over all files."""
    counts: Counts = Counts()
    rows: dict[str, int] = Field(default_factory=dict)
    """Table -> rows that its load inserted, changed or removed; a table without any is not named."""
    day: date | None = None
    """Under which a backfill finds it; known once it is loaded."""
    seconds: float | None = None
    """From its first scan until it was loaded; None where it had been loaded before, or was imported."""

    def with_staged(self, staged: dict[str, str], counts: Counts | None = None, **changes: Any) -> Self:
        """Return the file for the next step: with these frames instead of older ones, and counts added."""
        total = self.counts.plus(counts) if counts else self.counts
        return self.model_copy(update={"staged": {**self.staged, **staged}, "counts": total, **changes})


REJECT_FRAMES = ("rejects", "originals")
"""Staged frames of rejected records: only `parse` writes them, and only `load` reads them."""


class Batch(BaseModel):
    """The files of one run of one merchant."""

    model_config = ConfigDict(frozen=True)

    merchant: str
    run: str
    """The DAG run's id: names the staging folder and the ledger's rows."""
    files: tuple[FeedFile, ...] = ()
    revision: int | None = None
    """Of the settings in the store, with which every task of the run works; None: those of the file."""
    from_archive: bool = False
    """A backfill, which never uses the server: the next other run moves and reports files there."""

    @property
    def all_archived(self) -> bool:
        """Whether nothing is to be fetched."""
        return all(file.archived for file in self.files)

    def with_files(self, files: list[FeedFile]) -> Self:
        """Return the batch with the files that passed the step."""
        return self.model_copy(update={"files": tuple(files)})

    def to_xcom(self) -> dict[str, Any]:
        """Return plain JSON types, which any XCom backend can store."""
        return self.model_dump(mode="json")

    @classmethod
    def from_xcom(cls, value: dict[str, Any]) -> Self:
        """Read what `to_xcom` wrote."""
        return cls.model_validate(value)


Result = TypeVar("Result")


def by_halves(
    files: Sequence[FeedFile],
    do: Callable[[Sequence[FeedFile]], Result],
    fatal: tuple[type[Exception], ...],
) -> Iterator[tuple[Sequence[FeedFile], Result | Exception]]:
    """Do something with files together; where that fails, with each half, until a file that fails is alone.

    Yields:
        Files, in their order, with what was made of them; or one file with its error.

    Raises:
        Exception: one of the `fatal` ones, which are of no file.
    """
    pending = [files]
    while pending:
        some = pending.pop()
        outcome: Result | Exception
        try:
            outcome = do(some)
        except fatal:
            raise
        except Exception as error:  # any error: its file must not take the others along
            if len(some) > 1:
                middle = len(some) // 2
                pending += [some[middle:], some[:middle]]
                continue
            outcome = error
        yield some, outcome
