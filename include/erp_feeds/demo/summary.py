"""What the demo prints at its end: what the store holds, how to look closer, what went wrong."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from psycopg import Connection

from erp_feeds.codes import FileState, QuarantineCode
from erp_feeds.demo.exporter import MADE, REAL
from erp_feeds.demo.progress import FINAL, Expected
from erp_feeds.demo.testshop import BROKEN_INDEX
from erp_feeds.interfaces.accounts import ERP_CACHE_CUSTOMERS
from erp_feeds.merchant import Merchant
from erp_feeds.store import queries
from erp_feeds.store.file_rows import FileProgress, MerchantStatus

Row = tuple[str, str, str]
"""Label, value, command to look closer."""


def summary(connection: Connection[Any], merchants: Iterable[Merchant], mails: int) -> Iterator[str]:
    """Yield the summary line by line: per merchant what is in the store, and the command that shows more."""
    known = {merchant.name: merchant for merchant in merchants}
    for status in queries.status(connection, None, sorted(known)):
        if status.merchant in known:
            merchant = known[status.merchant]
            yield ""
            yield f"{merchant.title or merchant.name} ({merchant.name})"
            yield from _aligned(_rows(connection, merchant, status))
    yield ""
    yield f"mails to the people on call: {mails}"


def problems(files: Iterable[FileProgress], expected: Expected, merchants: Iterable[Merchant]) -> list[str]:
    """Return what did not go as meant: only the file broken on purpose may be quarantined, and it must be."""
    broken = {
        (merchant.name, ERP_CACHE_CUSTOMERS.file_name(merchant.shop_name, BROKEN_INDEX))
        for merchant in merchants
        if merchant.name == MADE
    }
    found = {(file.merchant, file.file): file for file in files if file.state != FileState.DUPLICATE}
    return [error for key in sorted(expected) if (error := _error(found.get(key), key, key in broken))]


def command(*arguments: str) -> str:
    """Return how to call erp_feeds from the folder where the user is."""
    python = Path(sys.executable)
    below = python.is_relative_to(Path.cwd())
    shown = python.relative_to(Path.cwd()) if below else python
    home = os.environ.get("ERP_FEEDS_HOME")
    prefix = f"ERP_FEEDS_HOME={shlex.quote(home)} " if home else ""
    return f"{prefix}{shlex.quote(str(shown))} -m erp_feeds {' '.join(arguments)}"


def _error(file: FileProgress | None, key: tuple[str, str], broken: bool) -> str | None:
    merchant, name = key
    if file is None or file.state not in FINAL:
        return f"{merchant}: {name} is not done ({file.state if file else 'never seen'})"
    if broken:
        quarantined = file.state == FileState.QUARANTINED and file.code == QuarantineCode.NOT_WELL_FORMED
        return (
            None
            if quarantined
            else f"{merchant}: {name} is broken and was {file.state} ({file.code or 'no code'})"
        )
    if file.state != FileState.LOADED:
        return f"{merchant}: {name} was {file.state} ({file.code})"
    return f"{merchant}: {name} has {file.rejected} rejected records" if file.rejected else None


def _rows(connection: Connection[Any], merchant: Merchant, status: MerchantStatus) -> Iterator[Row]:
    name = merchant.name
    customer = _customer(connection, name)
    yield (
        "profiles",
        f"{status.profiles:,}",
        command("profile", name, *(["--srs", customer] if customer else [])),
    )
    yield "orders", f"{status.orders:,}", command("orders", name)
    yield "returns", f"{status.returns:,}", command("orders", name, "--kind", "return")
    yield "revenue", f"{status.revenue:,.2f} {merchant.currency}", ""
    if status.accounts:
        account = "100001" if name == MADE else "NUMBER"
        yield "price-list links", f"{status.accounts:,}", command("account", name, account)
    yield "files", _tally(status.files), command("files", name)
    yield "skipped", _tally(status.skipped), ""
    yield "rejected", _tally(status.rejects), command("rejects", name) if status.rejects else ""
    quarantined = queries.quarantined(connection, name)
    yield "quarantined", _tally(status.quarantined), command("rejects", name) if quarantined else ""
    for file in quarantined:
        yield "", f"{file.file}: {file.code}: {file.reason}", ""


def _customer(connection: Connection[Any], merchant: str) -> str | None:
    """Return the number of somebody who bought something."""
    for purchase in queries.purchases(connection, merchant, limit=1):
        if purchase.profile_id is None:
            continue
        for identifier in queries.identifiers(connection, merchant, purchase.profile_id):
            if identifier.type == "srs":
                return identifier.value
    return "1001" if merchant in (MADE, REAL) else None


def _tally(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in sorted(counts.items())) or "none"


def _aligned(rows: Iterable[Row]) -> Iterator[str]:
    listed = list(rows)
    width = max(len(value) for _, value, shown in listed if shown)
    for label, value, shown in listed:
        yield f"  {label:<17}{value:<{width}}  {shown}".rstrip()
