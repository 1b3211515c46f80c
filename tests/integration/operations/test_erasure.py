"""Forgetting a person: what goes, what stays, and that nothing brings them back or touches anybody else."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.batch import FeedFile
from erp_feeds.codes import SkipCode
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.operations.erasure import PersonQuery, Receipt, Unsuppressed, forget, unforget_person
from erp_feeds.store import connection as connections
from erp_feeds.store import suppression
from erp_feeds.store.suppression import remember, suppression_of
from support.store_feed import (
    TABLES,
    TESTSHOP,
    Feed,
    accounts,
    customer,
    customers,
    dump,
    frame,
    profiles,
    purchase,
    purchases,
    scalar,
)

ONE, OTHER, THIRD = "a@example.com", "b@example.com", "c@example.com"
SHOP = TESTSHOP.name
SUPPRESSED = {SkipCode.SUPPRESSED: 1}


def erased(store: psycopg.Connection, *, dry_run: bool = False, **named: str) -> Receipt:
    """Forget the person of one number (srs=) or address (email=)."""
    [(kind, value)] = named.items()
    return forget(store, SHOP, PersonQuery(kind, value), INTERFACES, dry_run=dry_run)  # type: ignore[arg-type]  # one of two


def everything(store: psycopg.Connection) -> str:
    """Every row of the store as one text."""
    return json.dumps(dump(store, (*TABLES, "suppressed", "file_runs")))


def refused(texts: Mapping[int, str]) -> dict[str, pd.DataFrame]:
    """The frames of rejected records, as they were delivered."""
    fault = {"code": "invalid_date", "field": "birth_date", "reason": "bad"}
    delivered = [{"record": record, "line": 1, "text": text} for record, text in texts.items()]
    rejects = [{"record": record, **fault} for record in texts]
    return {"rejects": frame("rejects", rejects), "originals": frame("originals", delivered)}


def test_a_rejected_record_of_the_erp_cache_is_found_by_address_and_not_by_its_account_number(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    feed.customers(1, customer("K-4711", ONE))
    theirs = f"<Customer><AccountNumber>1</AccountNumber><Contact>{ONE}</Contact></Customer>"
    others = "<Customer><AccountNumber>K-4711</AccountNumber></Customer>"
    frames = accounts() | refused({1: theirs, 2: others})
    file = feed.file("erp_cache_customers", 1)
    feed.load(file, frames)
    assert erased(store, srs="K-4711").erased["reject_payloads"] == 1
    feed.load(file, frames, "again")
    assert store.execute("SELECT record, raw FROM rejected_records ORDER BY 1").fetchall() == [
        (1, None),
        (2, others),
    ]


REJECTS = "SELECT record, code, raw FROM rejects JOIN rejected_records USING (file_id, record) ORDER BY 1"


def test_everything_about_the_person_goes_and_orders_stay(store: psycopg.Connection) -> None:
    feed = Feed(store)
    ada = {"firstname": "Ada", "phone": "0205550100", "custom": {"custom_street": "Kerkstraat"}}
    raw = f"<Customer><CustomerNumber>K-4711</CustomerNumber><Email>{ONE.upper()}</Email></Customer>"
    file = feed.file("srs_customers", 1)
    frames = customers(customer("K-4711", ONE, **ada), customer("K-4712", OTHER, firstname="Bob"))
    feed.load(file, frames | refused({3: raw, 4: "<Customer/>"}))
    feed.customers(2, customer("K-4713", ONE), customer("K-4712", ONE))
    feed.purchases(
        1,
        purchase("p1", 1, 2, number="K-4711"),
        purchase("p2", -5, email=ONE),
        purchase("p3", 7, number="K-4712"),
    )
    receipt = erased(store, email=ONE)
    assert receipt.erased == {
        "profiles": 1,
        "identifiers": 2,
        "email_matches": 1,
        "email_conflicts": 1,
        "purchases_made_anonymous": 2,
        "reject_payloads": 1,
        "identifiers_suppressed": 3,
    }
    left = everything(store)
    for personal in ("Ada", "0205550100", "Kerkstraat", "K-4711", "K-4713", ONE, ONE.upper()):
        assert personal not in left, personal
    assert profiles(store, "firstname", "email") == {"K-4712": ("Bob", OTHER)}
    kept = store.execute("SELECT purchase_id, total, profile_id IS NULL FROM purchases ORDER BY 1").fetchall()
    assert [(each, str(total), nobody) for each, total, nobody in kept] == [
        ("p1", "3.00", True),
        ("p2", "-5.00", True),
        ("p3", "7.00", False),
    ]
    assert scalar(store, "SELECT count(*) FROM purchase_lines") == 4
    assert store.execute(REJECTS).fetchall() == [
        (3, "invalid_date", None),
        (4, "invalid_date", "<Customer/>"),
    ]


def test_the_receipt_lists_the_originals_that_hold_the_person(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE, city="Delft"), customer("2", OTHER))
    feed.customers(2, customer("2", OTHER))
    feed.customers(3, customer("1", firstname="Ada"))
    feed.purchases(4, purchase("p1", 1, number="1"))
    feed.purchases(5, purchase("p2", 1, number="2"))
    file = feed.file("srs_customers", 6)
    raw = "<Customer><CustomerNumber>1</CustomerNumber></Customer>"
    feed.load(file, customers() | refused({1: raw}))
    receipt = erased(store, srs="1")
    names = [each.file.removeprefix("TestShop_SRS_") for each in receipt.originals]
    assert names == ["Customers_1.zip", "Customers_3.zip", "Customers_6.zip", "Purchases_4.zip"]
    assert all(each.archived.startswith("file:///archive/") for each in receipt.originals)
    assert erased(store, srs="1").originals == []


def test_forgetting_again_changes_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    erased(store, srs="1")
    before = everything(store)
    for named in ({"srs": "1"}, {"email": ONE}):
        assert not any(erased(store, **named).erased.values())
    assert everything(store) == before


def test_a_dry_run_counts_the_same_and_changes_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", ONE))
    before = everything(store)
    foretold = erased(store, srs="2", dry_run=True)
    assert everything(store) == before
    assert erased(store, srs="2").erased == foretold.erased
    assert foretold.dry_run


def test_whoever_is_not_in_the_store_can_be_kept_out_of_it(store: psycopg.Connection) -> None:
    feed = Feed(store)
    assert erased(store, email=ONE).erased["identifiers_suppressed"] == 1
    counts = feed.customers(1, customer(None, ONE), customer("2", OTHER))
    assert (counts.loaded, counts.skipped) == (1, SUPPRESSED)
    assert profiles(store, "email") == {"2": OTHER}


def test_loads_skip_the_suppressed_and_count_them(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    erased(store, srs="1")
    counts = feed.customers(
        2, customer("1", THIRD, firstname="Ada"), customer(None, ONE), customer("2", city="X")
    )
    assert (counts.loaded, counts.skipped) == (1, {SkipCode.SUPPRESSED: 2})
    counts = feed.purchases(
        3, purchase("p1", 1, number="1"), purchase("p2", 1, email=ONE), purchase("p3", 1, number="2")
    )
    assert (counts.loaded, counts.skipped) == (1, {SkipCode.SUPPRESSED: 2})
    assert profiles(store, "email", "city") == {"2": (OTHER, "X")}
    assert scalar(store, "SELECT array_agg(purchase_id) FROM purchases") == ["p3"]
    assert scalar(store, "SELECT count(*) FROM purchase_lines") == 1


def test_customers_2_a_new_number_with_a_suppressed_email_is_the_same_person(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    erased(store, email=ONE)
    file = feed.file("srs_purchases", 1)
    frames = purchases(purchase("p1", 1, number="9"), purchase("p2", 1, number="9", email=ONE))
    counts = feed.load(file, frames)
    assert (counts.loaded, counts.skipped) == (0, {SkipCode.SUPPRESSED: 2})
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before
    assert feed.customers(2, customer("9", OTHER)).skipped == SUPPRESSED


def test_customers_5_a_known_number_wins_over_a_suppressed_email(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    erased(store, srs="1")
    counts = feed.customers(2, customer("2", ONE, city="Delft"))
    assert (counts.loaded, counts.skipped) == (1, {})
    assert profiles(store, "email", "city") == {"2": (OTHER, "Delft")}
    assert feed.purchases(3, purchase("p1", 1, number="2", email=ONE)).loaded == 1
    assert ONE not in everything(store)


def test_an_address_that_belongs_to_another_by_now_stays_theirs(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first = feed.file("srs_customers", 1), customers(customer(None, ONE, firstname="Ada"))
    bought = feed.file("srs_purchases", 1), purchases(purchase("p1", 1, email=ONE))
    for file, frames in (first, bought):
        feed.load(file, frames)
    feed.customers(2, customer("1", ONE), customer("2"))
    feed.customers(3, customer("1", OTHER), customer("2", ONE, firstname="Bob"))
    before = dump(store, ("profiles",))["profiles"]
    erased(store, srs="1")
    for file, frames in (first, bought):
        assert feed.load(file, frames, "replay").skipped == SUPPRESSED
    assert set(dump(store, ("profiles",))["profiles"]) < set(before)
    assert profiles(store, "email", "firstname") == {"2": (ONE, "Bob")}
    assert scalar(store, "SELECT profile_id FROM purchases") is None
    assert feed.purchases(4, purchase("p2", 1, email=ONE)).loaded == 1


def test_an_old_address_leads_to_whom_it_led(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer(None, ONE))
    feed.customers(2, customer("1", ONE))
    feed.customers(3, customer("1", OTHER), customer("2", THIRD))
    assert erased(store, email=ONE).erased["profiles"] == 1
    assert profiles(store, "email") == {"2": THIRD}


def test_an_old_address_of_several_people_is_refused(store: psycopg.Connection) -> None:
    feed = Feed(store)
    for index in (1, 3):
        feed.customers(index, customer(None, ONE), customer(str(index), ONE))
        feed.customers(index + 1, customer(str(index), f"{index}@example.com"))
    before = everything(store)
    with pytest.raises(FailError, match="2 profiles: name the person by --srs") as refusal:
        erased(store, email=ONE)
    assert refusal.value.code == "ambiguous"
    assert ONE not in str(refusal.value)
    assert everything(store) == before


def test_a_rejected_record_of_the_suppressed_is_kept_without_its_text(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    erased(store, srs="1")
    texts = (
        f"<C><Email>{ONE}</Email></C>",
        "<C><CustomerNumber>1</CustomerNumber></C>",
        "<C><City>1</City></C>",
    )
    file = feed.file("srs_customers", 2)
    for run in ("first", "again"):
        feed.load(file, customers() | refused(dict(enumerate(texts, 1))), run)
        found = store.execute(REJECTS).fetchall()
        assert found == [(1, "invalid_date", None), (2, "invalid_date", None), (3, "invalid_date", texts[2])]


def unsuppressed(
    store: psycopg.Connection, *, srs: tuple[str, ...] = (), email: tuple[str, ...] = ()
) -> Unsuppressed:
    """Let a person of these numbers and addresses come back."""
    return unforget_person(
        store,
        SHOP,
        [*(PersonQuery("srs", each) for each in srs), *(PersonQuery("email", each) for each in email)],
    )


def test_who_is_a_customer_again_loads_from_the_next_file_and_nothing_old_comes_back(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    old, bought = feed.file("srs_customers", 1), feed.file("srs_purchases", 1)
    was = customers(customer("1", ONE, city="Delft"), customer("2", OTHER))
    had = purchases(purchase("p1", 1, number="1"))
    feed.load(old, was)
    feed.load(bought, had)
    erased(store, srs="1")
    feed.customers(2, customer("1", ONE, firstname="Ada"))
    assert "1" not in profiles(store, "email")
    assert unsuppressed(store, srs=("1",), email=(ONE,)) == Unsuppressed(SHOP, 2, 2)
    before = everything(store)
    assert unsuppressed(store, srs=("1",), email=(ONE,)) == Unsuppressed(SHOP, 2, 0)
    assert everything(store) == before
    for file, frames in ((old, was), (bought, had)):  # a backfill
        assert feed.load(file, frames, "replay").skipped == SUPPRESSED
    assert "1" not in profiles(store, "email")
    assert feed.customers(3, customer("1", ONE, lastname="Byron")).loaded == 1
    assert profiles(store, "email", "lastname", "city")["1"] == (ONE, "Byron", None)
    assert feed.purchases(4, purchase("p2", 1, number="1")).loaded == 1
    whose = "SELECT array_agg(profile_id IS NULL ORDER BY purchase_id) FROM purchases"
    assert scalar(store, whose) == [True, False]
    feed.load(bought, had, "replay")
    assert scalar(store, whose) == [True, False]


def test_a_file_that_came_between_loads_its_person_when_it_is_replayed(store: psycopg.Connection) -> None:
    feed = Feed(store)
    erased(store, email=ONE)
    between = feed.file("srs_customers", 1)
    frames = customers(customer("9", ONE))  # the new number is forgotten with the address (customers 2)
    assert feed.load(between, frames).skipped == SUPPRESSED
    assert unsuppressed(store, srs=("9",), email=(ONE,)).unsuppressed == 2
    assert feed.load(between, frames, "replay").loaded == 1
    assert profiles(store, "email") == {"9": ONE}


def test_only_what_was_named_is_lifted(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    erased(store, srs="1")
    assert unsuppressed(store, email=(ONE, THIRD)) == Unsuppressed(SHOP, 2, 1)
    assert feed.customers(2, customer("1", ONE)).skipped == SUPPRESSED
    assert unsuppressed(store, srs=("1",)).unsuppressed == 1
    assert feed.customers(3, customer("1", ONE)).loaded == 1


def test_customers_5_a_number_that_is_unsuppressed_loads_without_the_suppressed_email(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    erased(store, srs="1")
    unsuppressed(store, srs=("1",))
    for index in (2, 3):
        assert feed.customers(index, customer("1", ONE, city="Delft")).loaded == 1
    assert profiles(store, "email", "city") == {"1": (None, "Delft")}


def test_who_is_suppressed_again_stays_so(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    erased(store, srs="1")
    unsuppressed(store, srs=("1",), email=(ONE,))
    again = feed.file("srs_customers", 2)
    feed.load(again, customers(customer("1", ONE)))
    receipt = erased(store, srs="1")
    assert (receipt.erased["profiles"], receipt.erased["identifiers_suppressed"]) == (1, 2)
    assert feed.load(again, customers(customer("1", ONE)), "replay").skipped == SUPPRESSED
    assert feed.customers(3, customer("1", ONE)).skipped == SUPPRESSED


def test_rejected_records_of_who_came_back_keep_their_text(store: psycopg.Connection) -> None:
    feed = Feed(store)
    erased(store, srs="1")
    raw = "<Customer><CustomerNumber>1</CustomerNumber></Customer>"
    for index in (1, 2):
        feed.load(feed.file("srs_customers", index), customers() | refused({1: raw}))
        unsuppressed(store, srs=("1",))
    assert [text for _, _, text in store.execute(REJECTS)] == [None, raw]


def test_merchants_forget_each_for_themselves(store: psycopg.Connection) -> None:
    feed = Feed(store)
    other = Feed(store, TESTSHOP.model_copy(update={"name": "othershop"}))
    for each in (feed, other):
        each.customers(1, customer("1", ONE))
    erased(store, srs="1")
    assert scalar(store, "SELECT array_agg(merchant) FROM profiles") == ["othershop"]
    assert other.customers(2, customer("1", ONE), customer(None, ONE)).skipped == {}


def test_a_load_that_waited_for_the_lock_leaves_the_person_out(
    store: psycopg.Connection, store_uri: str
) -> None:
    feed = Feed(store)
    file, frames = feed.file("srs_customers", 1), customers(customer("1", ONE), customer("2", OTHER))
    counts = []

    def work() -> None:
        with connections.open_uri(store_uri) as own:
            counts.append(Feed(own).load(file, frames))

    waiting = threading.Thread(target=work)
    with connections.transaction(store, "holding the lock"):
        connections.lock_merchant(store, SHOP)
        waiting.start()
        while not scalar(store, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert waiting.is_alive()
        remember(store, suppression_of(store, SHOP), [("srs", "1")])
    waiting.join()
    assert [each.skipped for each in counts] == [SUPPRESSED]
    assert profiles(store, "email") == {"2": OTHER}


def test_forgetting_amid_loads_ends_without_the_person(store: psycopg.Connection, store_uri: str) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    files = [feed.file("srs_customers", index) for index in range(2, 10)]

    def work(part: int) -> None:
        with connections.open_uri(store_uri) as own:
            for file in files[part::2]:
                Feed(own).load(file, customers(customer("1", ONE), customer("2", city=file.index_number)))

    threads = [threading.Thread(target=work, args=(part,)) for part in range(2)]
    for thread in threads:
        thread.start()
    assert erased(store, srs="1").erased["profiles"] == 1
    for thread in threads:
        thread.join()
    assert profiles(store, "email", "city") == {"2": (OTHER, "9")}
    assert scalar(store, "SELECT count(*) FROM files WHERE state = 'loaded'") == 9


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the secret lies that the first use makes."""
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_first_use_makes_a_secret_for_its_owner_alone(
    store: psycopg.Connection, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    erased(store, srs="1")
    secret = own_home / "forget_secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text()) == 64
    assert [path.name for path in own_home.iterdir()] == ["forget_secret"]
    assert feed.customers(1, customer("1")).skipped == {SkipCode.SUPPRESSED: 1}
    secret.write_text(secret.read_text() + "\n")  # as an editor leaves it
    assert feed.customers(2, customer("1")).skipped == {SkipCode.SUPPRESSED: 1}
    secret.write_text("")
    with pytest.raises(FailError, match="is empty: restore it"):
        erased(store, srs="2")
    secret.unlink()
    with pytest.raises(FailError, match="forget_secret"):
        feed.customers(3, customer("1"))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(secret / "home"))  # below a file nothing can be made
    with pytest.raises(FailError, match=r"cannot be made .*: set ERP_FEEDS_FORGET_SECRET"):
        erased(store, srs="2")


def test_people_suppressed_before_a_secret_was_needed_stay_suppressed(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    with monkeypatch.context() as earlier:
        earlier.setattr(suppression, "secrets_in_use", lambda: ("",))
        erased(store, srs="1")
    monkeypatch.setenv("ERP_FEEDS_FORGET_SECRET", "pepper")
    assert feed.customers(1, customer("1")).skipped == {SkipCode.SUPPRESSED: 1}


def test_a_user_who_may_not_see_the_suppressed_gets_an_error(store: psycopg.Connection) -> None:
    erased(store, srs="1")
    store.execute("SET row_security = on")  # as a new connection has it
    store.execute("CREATE ROLE stranger")
    try:
        store.execute("GRANT USAGE ON SCHEMA erp_feeds TO stranger")
        store.execute("GRANT SELECT ON ALL TABLES IN SCHEMA erp_feeds TO stranger")
        store.execute("SET ROLE stranger")
        assert store.execute("SELECT count(*) FROM suppressed").fetchone() == (0,)
        assert store.execute("SELECT count(*) FROM suppression_salt").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            suppression.is_suppressed(store, SHOP, 1, {"number": "1"})
    finally:
        store.rollback()  # the role is gone with it


def test_a_secret_makes_other_digests_and_both_count(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    erased(store, srs="1")
    monkeypatch.setenv("ERP_FEEDS_FORGET_SECRET", "pepper")
    erased(store, srs="2")
    assert scalar(store, "SELECT count(DISTINCT key_id) FROM suppressed") == 2
    assert feed.customers(1, customer("1"), customer("2"), customer("3")).skipped == {SkipCode.SUPPRESSED: 2}


def test_a_changed_secret_stops_loads_instead_of_bringing_people_back(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    file = feed.file("srs_customers", 1)
    monkeypatch.setenv("ERP_FEEDS_FORGET_SECRET", "pepper")
    erased(store, srs="1")
    monkeypatch.setenv("ERP_FEEDS_FORGET_SECRET", "salt")
    with pytest.raises(FailError, match="ERP_FEEDS_FORGET_SECRET") as refusal:
        feed.load(file, customers(customer("1")))
    assert refusal.value.code == "wrong_forget_secret"
    assert scalar(store, "SELECT count(*) FROM profiles") == 0


NUMBERS = st.sampled_from(["71", "72", "73", "74"])
EMAILS = st.sampled_from([f"{name}@x.nl" for name in "abcd"])
identifiers = st.tuples(st.none() | NUMBERS, st.none() | EMAILS).filter(any)
history = st.lists(
    st.tuples(st.booleans(), st.lists(identifiers, min_size=1, max_size=5)), min_size=1, max_size=4
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), files=history)
def test_a_replay_of_everything_brings_nobody_back_and_changes_nobody_else(
    store: psycopg.Connection, data: st.DataObject, files: list[Any]
) -> None:
    store.execute(f"TRUNCATE {', '.join(TABLES)}, file_runs, suppressed RESTART IDENTITY")
    store.commit()
    feed = Feed(store)
    loaded = [_loaded(feed, index, each) for index, each in enumerate(files, 1)]
    people = store.execute("SELECT profile_id, email FROM profiles ORDER BY 1").fetchall()
    nameable = [each for each in people if each[1] or _numbers(store, each[0])]
    profile_id, email = data.draw(st.sampled_from(nameable))
    numbers = _numbers(store, profile_id)
    named = {"srs": data.draw(st.sampled_from(numbers))} if numbers else {"email": email}
    others = _others(store, profile_id)
    receipt = erased(store, **named)
    assert _others(store, profile_id) == others
    for position in data.draw(st.permutations(range(len(loaded)))):
        feed.load(*loaded[position], "replay")
    assert _others(store, profile_id) == others
    assert scalar(store, "SELECT count(*) FROM profiles") == len(people) - 1
    nobodys = scalar(store, "SELECT count(*) FROM purchases WHERE profile_id IS NULL")
    assert nobodys == receipt.erased["purchases_made_anonymous"]
    left = everything(store)
    assert not [number for number in numbers if f'"{number}"' in left]
    assert not email or email not in left


def _loaded(feed: Feed, index: int, contents: tuple[bool, list[Any]]) -> tuple[FeedFile, Any]:
    bought, records = contents
    if bought:
        rows = (
            purchase(f"p{index}-{n}", n, number=number, email=email)
            for n, (number, email) in enumerate(records, 1)
        )
        file, frames = feed.file("srs_purchases", index), purchases(*rows)
    else:
        row = (customer(number, email, firstname=f"f{index}") for number, email in records)
        file, frames = feed.file("srs_customers", index), customers(*row)
    feed.load(file, frames)
    return file, frames


def _numbers(store: psycopg.Connection, profile_id: int) -> list[str]:
    query = "SELECT value FROM identifiers WHERE profile_id = %s ORDER BY 1"
    return [value for (value,) in store.execute(query, [profile_id])]


def _others(store: psycopg.Connection, profile_id: int) -> dict[str, list[str]]:
    """Every row of everybody else, with the transaction that wrote it; not where an address led once."""
    queries = {
        table: f"SELECT to_jsonb(t)::text || t.xmin FROM {table} t WHERE profile_id <> %s ORDER BY 1"
        for table in ("profiles", "identifiers", "purchases")
    }
    return {table: [row for (row,) in store.execute(query, [profile_id])] for table, query in queries.items()}
