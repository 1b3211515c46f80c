"""Reads one hostile file as the tasks do, and holds them to what they promise."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES, interface_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from hostile_zips import SHOP
from mutations import Input

if TYPE_CHECKING:
    import pandas as pd

    Parsed = tuple[dict[str, pd.DataFrame], int]

MERCHANT = Merchant.model_validate(
    {
        "name": "fuzz",
        "shop_name": SHOP,
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "ftps": {"connection": "none"},
        "interfaces": {name: {} for name in INTERFACES},
        "limits": {"unzipped_bytes": 20 << 20, "ratio": 500},
    }
)


class BrokenPromiseError(Exception):
    """A file was read, but not as promised."""


def outcome_of(file: Input) -> str:
    """Read one file as the tasks do, and say what became of it.

    Returns:
        `frames`, `frames with rejects`, or the code of the quarantine.

    Raises:
        BrokenPromiseError: records are lost or counted twice, or the quarantine's reason cannot be stored.
        Exception: whatever escapes the steps: a failure.
    """
    try:
        return _read(file)
    except QuarantineError as error:
        code = QuarantineCode(error.code)
        if code is QuarantineCode.INTERNAL_ERROR or "\0" in error.reason:
            raise BrokenPromiseError(f"a quarantine that explains nothing: {error!r}") from error
        error.reason.encode()
        return f"quarantined: {code}"


def _parsed(members: Sequence[BinaryIO], interface: Interface, **options: int) -> Parsed | QuarantineError:
    """Return the frames of the members and how many records were read, or why they are quarantined."""
    import pandas as pd

    from erp_feeds.steps.parse import parse

    for member in members:
        member.seek(0)
    try:
        blocks = list(parse({1: members}, interface, MERCHANT, **options))
    except QuarantineError as error:
        return error
    frames = {name: pd.concat([block.frames[name] for block in blocks]) for name in blocks[-1].frames}
    return frames, sum(block.counts.read for block in blocks)


def _alike(one: Parsed | QuarantineError, other: Parsed | QuarantineError) -> Parsed:
    """Return what both ways of reading found.

    Raises:
        QuarantineError: both quarantine the file.
        BrokenPromiseError: they differ.
    """
    if isinstance(one, QuarantineError):
        if str(one) != str(other):
            raise BrokenPromiseError(f"read in bulk it is {other!r}") from one
        raise one
    if isinstance(other, QuarantineError):
        raise BrokenPromiseError("only read in bulk it is quarantined") from other
    for name, frame in one[0].items():
        if not frame.equals(other[0][name]):
            raise BrokenPromiseError(f"read in bulk it has other {name}")
    return one


def _read(file: Input) -> str:
    from erp_feeds.steps.deduplicate import deduplicate
    from erp_feeds.steps.parse import raw_records
    from erp_feeds.steps.split import split
    from erp_feeds.storage import zips

    interface = interface_of(MERCHANT, file.interface)
    with contextlib.ExitStack() as stack:
        unpacked = zips.members(io.BytesIO(file.data), file.name, interface, MERCHANT)
        members = [_staged(source, stack) for source in unpacked.sources()]
        frames, counted = _alike(_parsed(members, interface), _parsed(members, interface, bulk=0))
        rejected = set(frames["rejects"]["record"])
        if counted != len(frames["records"]) + len(rejected):
            raise BrokenPromiseError(f"{counted} records became {len(frames['records'])} and {len(rejected)}")
        for member in members:
            member.seek(0)
        if {raw.record for raw in raw_records(members, interface, list(rejected))} != rejected:
            raise BrokenPromiseError("a rejected record is not found again")
    for step in (deduplicate, split):
        frames = step(frames, interface, MERCHANT).frames
    return "frames with rejects" if rejected else "frames"


def _staged(source: BinaryIO, stack: contextlib.ExitStack) -> BinaryIO:
    """Copy a member as the staging does; a large one goes to disk."""
    file = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=1 << 20))  # noqa: SIM115
    staged = cast("BinaryIO", file)
    while block := source.read(1 << 20):
        staged.write(block)
    staged.seek(0)
    return staged
