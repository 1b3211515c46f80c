"""Who is invoiced to whom: what is odd about the invoice debtors of a merchant's accounts (ERP cache 7).

A price request follows InvoiceTo one hop and never further, so that chains and cycles harm no answer; but
they are seldom meant, and somebody should hear of them. An account has at most one debtor: one walk in linear
time finds everything, whatever the shape; a recursive query would cost accounts times the length of chains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

SHOWN = 20
"""Accounts of one path that are listed; a longer one has its length in `hops`."""

Edge = tuple[str, str, bool]
"""Account, its invoice debtor, and whether that is a known account."""
End = Literal["debtor", "itself", "unknown", "cycle"]


@dataclass(frozen=True)
class SelfReference:
    """An account that is invoiced to itself: it has no other debtor."""

    account: str


@dataclass(frozen=True)
class UnknownDebtor:
    """A debtor that is no account; those invoiced to it keep their own price list until it arrives."""

    debtor: str
    accounts: int


@dataclass(frozen=True)
class Chain:
    """An account nobody is invoiced to, whose debtor is itself invoiced to another: not followed."""

    path: list[str]
    hops: int
    ends: End
    """At an account of its own, one invoiced to itself, an unknown one, or where the path enters a cycle."""

    @property
    def route(self) -> str:
        """The path in one line."""
        return " > ".join(self.path)


@dataclass(frozen=True)
class Cycle:
    """Accounts that are invoiced to each other in a circle, from the first by number."""

    path: list[str]
    accounts: int

    @property
    def route(self) -> str:
        """The path in one line."""
        return " > ".join(self.path)


@dataclass(frozen=True)
class InvoiceGraph:
    """How many of each there are, and the first of them."""

    counts: dict[str, int]
    self_references: list[SelfReference]
    unknown_debtors: list[UnknownDebtor]
    chains: list[Chain]
    """The longest first."""
    cycles: list[Cycle]
    """Each once, the largest first."""


def invoice_graph(edges: Iterable[Edge], limit: int | None = None) -> InvoiceGraph:
    """Find self references, unknown debtors, chains and cycles.

    Args:
        edges: Every account that has an invoice debtor, each once.
        limit: List at most so many of each; the counts are always of all.
    """
    debtor_of: dict[str, str] = {}
    own: set[str] = set()
    unknown: Counter[str] = Counter()
    for account, debtor, known in edges:
        if account == debtor:
            own.add(account)
            continue
        debtor_of[account] = debtor
        if not known:
            unknown[debtor] += 1
    cycles, hops = _walked(debtor_of)
    first = debtor_of.keys() - set(debtor_of.values())
    starts = sorted(
        (account for account in first if debtor_of[account] in debtor_of),
        key=lambda account: (-hops[account], account),
    )
    cycles.sort(key=lambda cycle: (-len(cycle), cycle))
    round_trips = {account for cycle in cycles for account in cycle}
    return InvoiceGraph(
        counts={
            "invoiced_to_another": len(debtor_of),
            "self_references": len(own),
            "unknown_debtors": len(unknown),
            "chains": len(starts),
            "cycles": len(cycles),
        },
        self_references=[SelfReference(account) for account in sorted(own)[:limit]],
        unknown_debtors=[
            UnknownDebtor(debtor, accounts)
            for debtor, accounts in sorted(unknown.items(), key=lambda each: (-each[1], each[0]))[:limit]
        ],
        chains=[
            Chain(_path(account, hops[account], debtor_of), hops[account], end)
            for account in starts[:limit]
            for end in [_end(account, debtor_of, round_trips, own, unknown)]
        ],
        cycles=[Cycle(cycle[:SHOWN], len(cycle)) for cycle in cycles[:limit]],
    )


def _walked(debtor_of: Mapping[str, str]) -> tuple[list[list[str]], dict[str, int]]:
    """Return every cycle, from its smallest account, and per account the hops to its end or into a cycle."""
    cycles: list[list[str]] = []
    hops: dict[str, int] = {}
    for start in debtor_of:
        trail: dict[str, None] = {}
        account = start
        while account in debtor_of and account not in hops and account not in trail:
            trail[account] = None
            account = debtor_of[account]
        walked = list(trail)
        if account in trail:
            circle = walked[walked.index(account) :]
            hops |= dict.fromkeys(circle, 0)
            smallest = circle.index(min(circle))
            cycles.append(circle[smallest:] + circle[:smallest])
            del walked[-len(circle) :]
        distance = hops.get(account, 0)
        for passed in reversed(walked):
            distance += 1
            hops[passed] = distance
    return cycles, hops


def _path(account: str, hops: int, debtor_of: Mapping[str, str]) -> list[str]:
    path = [account]
    for _ in islice(range(hops), SHOWN - 1):
        path.append(debtor_of[path[-1]])
    return path


def _end(
    account: str, debtor_of: Mapping[str, str], cycles: set[str], own: set[str], unknown: Mapping[str, int]
) -> End:
    while account in debtor_of and account not in cycles:
        account = debtor_of[account]
    if account in cycles:
        return "cycle"
    if account in own:
        return "itself"
    return "unknown" if account in unknown else "debtor"
