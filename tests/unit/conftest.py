"""What all unit tests share: no network, one merchant, and short ways from XML text through the steps."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import pytest_socket

from erp_feeds.interfaces import INTERFACES, interface_of
from erp_feeds.merchant import Merchant
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.parse import parse
from erp_feeds.steps.result import StepResult, merged
from erp_feeds.steps.split import split
from support.merchants import merchant_of

Make = Callable[..., Merchant]
Read = Callable[..., StepResult]


@pytest.fixture(autouse=True)
def _no_network() -> None:
    pytest_socket.disable_socket(allow_unix_socket=True)  # asyncio wakes itself over a Unix socket pair


@pytest.fixture(scope="session")
def make_merchant() -> Make:
    """Return a maker of merchants; interface settings by interface name."""

    def make(interfaces: dict[str, dict[str, Any]] | None = None, **values: Any) -> Merchant:
        settings = {name: {} for name in INTERFACES} | (interfaces or {})
        return merchant_of(name="shop", shop_name="Shop", interfaces=settings, **values)

    return make


@pytest.fixture(scope="session")
def merchant(make_merchant: Make) -> Merchant:
    return make_merchant()


def together(outcomes: list[StepResult]) -> StepResult:
    """Lay the blocks of a file together, as the line does."""
    names = outcomes[0].frames
    return StepResult(
        {name: pd.concat([each.frames[name] for each in outcomes], ignore_index=True) for name in names},
        merged(*(each.by_file for each in outcomes)),
    )


@pytest.fixture(scope="session")
def read(merchant: Merchant) -> Read:
    """Return a reader of whole members: `read(name, *members, chunk=…, merchant=…)`."""

    def read_members(
        name: str, *members: str | bytes, chunk: int = 2 << 20, owner: Merchant = merchant
    ) -> StepResult:
        sources = [io.BytesIO(text.encode() if isinstance(text, str) else text) for text in members]
        return together(list(parse({1: sources}, interface_of(owner, name), owner, chunk=chunk)))

    return read_members


OPEN = {
    "srs_customers": "<Export><Customers>",
    "srs_purchases": "<Export><Purchases>",
    "erp_cache_customers": "<Import><ImportSettings><Importer>ErpCache_Customers</Importer>"
    "<Version>1.1</Version></ImportSettings><Customers>",
}
CLOSE = {
    "srs_customers": "</Customers></Export>",
    "srs_purchases": "</Purchases></Export>",
    "erp_cache_customers": "</Customers></Import>",
}
RECORD = {"srs_customers": "Customer", "srs_purchases": "Purchase", "erp_cache_customers": "Customer"}


@pytest.fixture(scope="session")
def xml() -> Callable[..., str]:
    """Return a writer of members: the inner XML of each record."""

    def write(name: str, *records: str) -> str:
        tag = RECORD[name]
        return OPEN[name] + "".join(f"<{tag}>{inner}</{tag}>" for inner in records) + CLOSE[name]

    return write


@pytest.fixture(scope="session")
def process(read: Read, xml: Callable[..., str], merchant: Merchant) -> Read:
    """Return a way from records through all steps: `process(name, *records, until='split')`."""

    def go(name: str, *records: str, until: str = "split", owner: Merchant = merchant) -> StepResult:
        interface = interface_of(owner, name)
        parsed = read(name, xml(name, *records), owner=owner)
        unique = deduplicate(parsed.frames, interface, owner)
        counts = merged(parsed.by_file, unique.by_file)
        if until == "deduplicate":
            return StepResult({**unique.frames, "rejects": parsed.frames["rejects"]}, counts)
        final = split(unique.frames, interface, owner)
        frames = {**_with_purchases(final.frames), "rejects": parsed.frames["rejects"]}
        return StepResult(frames, merged(counts, final.by_file))

    return go


def _with_purchases(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Add the orders and returns together, by record, for tests that do not mind which is which."""
    if "orders" not in frames:
        return frames
    both = pd.concat([frames["orders"], frames["returns"]]).sort_values("record", ignore_index=True)
    return {**frames, "purchases": both}


@pytest.fixture(scope="session")
def purchase() -> Callable[..., str]:
    """Return a writer of purchases: lines are (sku, amount); None leaves an element out."""

    def write(*lines: tuple[str, str], **elements: str | None) -> str:
        defaults: dict[str, str | None] = {
            "ReceiptNumber": "17",
            "Branch": "3",
            "DateTime": "2017-01-05T11:53:26",
            "CustomerNumber": "1001",
        }
        given = {name: text for name, text in (defaults | elements).items() if text is not None}
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in given.items())
        rows = "".join(f"<Line><Sku>{sku}</Sku><Amount>{amount}</Amount></Line>" for sku, amount in lines)
        return f"{inner}<Lines>{rows}</Lines>"

    return write
