"""The graph of invoice debtors: every oddity found once, whatever its shape, in linear time."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from erp_feeds.records.invoice_graph import (
    SHOWN,
    Chain,
    Cycle,
    Edge,
    SelfReference,
    UnknownDebtor,
    invoice_graph,
)


def edges(debtor_of: dict[str, str | None]) -> list[Edge]:
    """Account -> debtor, None for no debtor, as the store tells it."""
    return [
        (account, debtor, debtor in debtor_of) for account, debtor in debtor_of.items() if debtor is not None
    ]


def test_erp_cache_7_one_hop_is_not_odd() -> None:
    found = invoice_graph(edges({"1": "9", "2": "9", "9": None}))
    assert found.counts == {
        "invoiced_to_another": 2,
        "self_references": 0,
        "unknown_debtors": 0,
        "chains": 0,
        "cycles": 0,
    }
    assert found.chains == found.cycles == found.unknown_debtors == found.self_references == []


def test_erp_cache_7_self_references_and_unknown_debtors() -> None:
    found = invoice_graph(edges({"1": "1", "2": "8", "3": "8", "4": "7", "5": "1"}))
    assert found.self_references == [SelfReference("1")]
    assert found.unknown_debtors == [UnknownDebtor("8", 2), UnknownDebtor("7", 1)]
    assert found.chains == []


def test_erp_cache_7_chains_tell_their_path_and_how_they_end() -> None:
    chains = {"a": "b", "b": "c", "c": None, "d": "e", "e": "e2", "e2": "e2", "f": "g", "g": "nobody"}
    found = invoice_graph(edges(chains | {"h": "i", "i": "j", "j": "k", "k": "i"}))
    assert found.chains == [
        Chain(["a", "b", "c"], 2, "debtor"),
        Chain(["d", "e", "e2"], 2, "itself"),
        Chain(["f", "g", "nobody"], 2, "unknown"),
        Chain(["h", "i"], 1, "cycle"),
    ]


def test_erp_cache_7_every_cycle_is_reported_once() -> None:
    found = invoice_graph(edges({"3": "1", "1": "2", "2": "3", "x": "y", "y": "x", "9": "3"}))
    assert found.cycles == [Cycle(["1", "2", "3"], 3), Cycle(["x", "y"], 2)]
    assert found.counts["cycles"] == 2


def test_a_limit_cuts_the_lists_but_not_the_counts() -> None:
    found = invoice_graph(edges({str(n): f"no{n}" for n in range(9)} | {"a": "a", "b": "b"}), limit=1)
    assert (len(found.unknown_debtors), len(found.self_references)) == (1, 1)
    assert (found.counts["unknown_debtors"], found.counts["self_references"]) == (9, 2)


ACCOUNTS = [str(n) for n in range(7)]


@given(st.dictionaries(st.sampled_from(ACCOUNTS), st.none() | st.sampled_from([*ACCOUNTS, "nobody"])))
def test_against_a_plain_model(debtor_of: dict[str, str | None]) -> None:
    found = invoice_graph(edges(debtor_of))
    assert {frozenset(cycle.path) for cycle in found.cycles} == set(circles(debtor_of))
    assert len(found.cycles) == len(set(circles(debtor_of)))
    others = {account: debtor for account, debtor in debtor_of.items() if debtor not in (None, account)}
    starts = {account for account in others if account not in others.values() and others[account] in others}
    assert {chain.path[0] for chain in found.chains} == starts
    for chain in found.chains:
        assert len(chain.path) == chain.hops + 1 == len(set(chain.path))
        assert all(debtor_of[here] == there for here, there in zip(chain.path, chain.path[1:], strict=False))
        last = chain.path[-1]
        ends = {"itself": debtor_of.get(last) == last, "unknown": last not in debtor_of}
        ends |= {"cycle": any(last in circle for circle in circles(debtor_of))}
        ends |= {"debtor": debtor_of.get(last, "") is None}
        assert ends[chain.ends]


def circles(debtor_of: dict[str, str | None]) -> Iterable[frozenset[str]]:
    """Follow every account for as many hops as there are accounts; who comes back is on a circle."""
    for start, debtor in debtor_of.items():
        passed, account = [start], debtor
        while account in debtor_of and account != start and len(passed) <= len(debtor_of):
            passed.append(str(account))
            account = debtor_of[account]
        if account == start and len(passed) > 1:
            yield frozenset(passed)


def test_a_chain_and_a_cycle_through_every_account_cost_linear_time() -> None:
    size = 100_000
    line: dict[str, str | None] = {f"{n:06}": f"{n + 1:06}" for n in range(size)}
    found = invoice_graph(edges(line | {f"{size:06}": None}))
    circle = invoice_graph(edges(line | {f"{size:06}": "000000"}))
    (chain,) = found.chains
    assert (chain.hops, len(chain.path)) == (size, SHOWN)
    assert [cycle.accounts for cycle in circle.cycles] == [size + 1]
