"""SRS customers in the real store: the identity rules, by name."""

from __future__ import annotations

from datetime import date

import psycopg

from erp_feeds.codes import WarningCode
from erp_feeds.store import queries
from support.store_feed import Feed, customer, customers, dump, emptied, profiles, purchase, scalar

ONE, OTHER, THIRD = "a@example.com", "b@example.com", "c@example.com"


def count(store: psycopg.Connection) -> int:
    return int(scalar(store, "SELECT count(*) FROM profiles"))


def test_customers_1_known_number_fills_its_profile(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1001", ONE, firstname="Ada"))
    feed.customers(2, customer("1001", firstname="Adriana", birthdate=date(1985, 4, 12), newsletter=True))
    found = profiles(store, "firstname", "email", "birthdate", "newsletter")
    assert found == {"1001": ("Adriana", ONE, date(1985, 4, 12), True)}
    assert count(store) == 1


def test_customers_2_unknown_number_joins_the_owner_of_its_email(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1001", ONE))
    feed.customers(2, customer("2002", ONE, firstname="Ada"))
    ids = profiles(store, "profile_id")
    assert ids["1001"] == ids["2002"]
    assert profiles(store, "firstname")["1001"] == "Ada"


def test_customers_2_many_numbers_that_one_address_joins_are_told(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, *(customer(str(number), ONE) for number in range(4)), customer("9", OTHER))
    assert queries.status(store)[0].shared_profiles == {}
    feed.customers(2, customer("4", ONE))
    (status,) = queries.status(store)
    (fullest,) = status.fullest_profiles()
    assert (fullest.merchant, fullest.customer_numbers) == (status.merchant, 5)
    assert fullest.profile == str(profiles(store, "profile_id")["4"])


def test_customers_3_number_only_creates_a_profile_and_warns(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file("srs_customers", 1)
    counts = feed.load(file, customers(customer("1001")))
    assert counts.warnings == {WarningCode.NO_EMAIL: 1}
    feed.customers(2, customer("1001", ONE))
    assert feed.load(file, customers(customer("1001"))).warnings == counts.warnings
    assert profiles(store, "email") == {"1001": ONE}


def test_customers_3_a_first_file_of_many_numbers_takes_no_quadratic_time(store: psycopg.Connection) -> None:
    """Nothing is known of an empty store's tables: a plan that goes by that took half a minute here."""
    store.execute("SET statement_timeout = '8s'")
    store.commit()
    counts = Feed(store).customers(1, *(customer(str(number)) for number in range(20_000)))
    assert counts.warnings == {"no_email": 20_000}


def test_customers_10_a_file_that_changes_many_takes_no_quadratic_time(store: psycopg.Connection) -> None:
    """Where PostgreSQL has statistics of the tables, a plan met each record with each other one: hours."""
    feed = Feed(store)
    many = [str(number) for number in range(20_000)]
    feed.customers(1, *(customer(number, lastname="Dijk") for number in many))
    store.execute("ANALYZE")
    store.execute("SET statement_timeout = '8s'")
    store.commit()
    feed.customers(2, *(customer(number, lastname="Berg") for number in many))
    assert scalar(store, "SELECT count(*) FROM profiles WHERE lastname = 'Berg'") == len(many)


def test_customers_4_email_only_updates_or_creates(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1001", ONE))
    feed.customers(2, customer(None, ONE, firstname="Ada"), customer(None, OTHER, firstname="Bob"))
    found = store.execute("SELECT email, firstname FROM profiles ORDER BY 1").fetchall()
    assert found == [(ONE, "Ada"), (OTHER, "Bob")]


def test_customers_5_number_wins_over_email_owner(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1001", ONE), customer("1002", OTHER))
    counts = feed.customers(2, customer("1001", OTHER, firstname="Ada"))
    found = profiles(store, "email", "firstname")
    assert found == {"1001": (ONE, "Ada"), "1002": (OTHER, None)}
    assert counts.warnings == {WarningCode.EMAIL_OWNED_BY_OTHER: 1}
    assert counts.loaded == 1


def test_customers_6_records_of_one_profile_are_laid_over_each_other(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1001", ONE, city="Rotterdam", phone="1"))
    feed.customers(
        2,
        customer("1001", ONE, firstname="Ada", city="Amsterdam", custom={"custom_street": "Kerkstraat"}),
        customer("2002", ONE, firstname="Adriana", cleared=",phone,"),
    )
    found = profiles(store, "firstname", "city", "phone", "custom", "record")["1001"]
    custom = {"custom_street": "Kerkstraat", "custom_srs_customer_number": "2002"}
    assert found == ("Adriana", "Amsterdam", None, custom, 2)


def test_customers_6_two_new_numbers_with_one_email_share_a_profile(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("1", ONE), customer("2", ONE), customer(None, ONE))
    assert count(store) == 1
    assert profiles(store, "email") == {"1": ONE, "2": ONE}


def test_customers_6_first_bearer_with_a_known_number_takes_the_new_ones(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    feed.customers(2, customer("1", OTHER), customer("2", OTHER))
    ids = profiles(store, "profile_id", "email")
    assert ids["1"] == ids["2"]
    assert ids["1"][1] == OTHER


def test_customers_9_a_known_number_moves_before_a_new_one_is_looked_up(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    counts = feed.customers(2, customer("2", OTHER), customer("1", OTHER))
    ids = profiles(store, "profile_id", "email")
    assert ids["1"] == ids["2"]
    assert ids["1"][1] == OTHER
    assert counts.warnings == {}


def test_customers_6_first_of_two_claims_to_a_free_email_wins(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    counts = feed.customers(2, customer("2", THIRD), customer("1", THIRD))
    assert profiles(store, "email") == {"1": ONE, "2": THIRD}
    assert counts.warnings == {WarningCode.EMAIL_OWNED_BY_OTHER: 1}


def test_customers_8_numbers_that_look_alike_are_two_profiles(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("00123", ONE), customer("123", OTHER), customer("123 ", THIRD))
    assert profiles(store, "email") == {"00123": ONE, "123": OTHER, "123 ": THIRD}


def test_customers_9_changed_unowned_email_is_updated_and_emptied_stays(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    feed.customers(2, customer("1", OTHER))
    feed.customers(3, customer("1", None, cleared=",email,"))
    assert profiles(store, "email") == {"1": OTHER}


def test_customers_9_swapped_emails_succeed(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER), customer("3", THIRD))
    counts = feed.customers(2, customer("1", OTHER), customer("2", THIRD), customer("3", ONE))
    assert profiles(store, "email") == {"1": OTHER, "2": THIRD, "3": ONE}
    assert counts.warnings == {}


def test_customers_6_an_address_goes_to_whose_record_named_it_first(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1"), customer("2"))
    counts = feed.customers(2, customer("1", OTHER), customer("2", ONE), customer("1", ONE))
    assert profiles(store, "email") == {"1": None, "2": ONE}
    assert counts.warnings == {WarningCode.EMAIL_OWNED_BY_OTHER: 1}


def test_customers_6_an_address_that_its_owner_has_left_is_free_for_a_later_record(
    store: psycopg.Connection,
) -> None:
    for moved, newcomer in [((2,), (3,)), ((2, 3), ())]:  # in files of their own, and in one file
        feed = emptied(store)
        feed.customers(1, customer("1", ONE, firstname="Ada"))
        people = {2: customer("1", OTHER), 3: customer("3", ONE, firstname="Cas")}
        for index, file in enumerate([moved, newcomer], 2):
            feed.customers(index, *(people[each] for each in file))
        assert profiles(store, "email", "firstname") == {"1": (OTHER, "Ada"), "3": (ONE, "Cas")}


def test_customers_9_an_address_leads_to_who_holds_it_after_the_moves(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE, firstname="Ada"))
    feed.customers(2, customer("3", ONE), customer("1", OTHER), customer(None, ONE, firstname="Cas"))
    assert profiles(store, "email", "firstname") == {"1": (OTHER, "Ada"), "3": (ONE, "Cas")}
    assert count(store) == 2


def test_customers_9_known_people_who_hand_an_address_on_stay_apart(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    file, frames = (
        feed.file("srs_customers", 2),
        customers(customer("2", THIRD), customer("1", OTHER), customer("3", ONE)),
    )
    for _ in range(2):  # a reload decides the same
        counts = feed.load(file, frames)
        assert profiles(store, "email") == {"1": OTHER, "2": THIRD, "3": ONE}
        assert (count(store), counts.warnings) == (3, {})


def test_customers_9_newcomers_are_looked_up_after_the_move(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    file, frames = (
        feed.file("srs_customers", 2),
        customers(customer("1", OTHER), customer("2", ONE), customer("9", OTHER)),
    )
    for _ in range(2):
        feed.load(file, frames)
        assert profiles(store, "email") == {"1": OTHER, "2": ONE, "9": OTHER}
        assert count(store) == 2


def test_customers_9_a_swap_stays_a_swap_whatever_newcomers_come(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    newcomers = (customer("3", ONE), customer(None, OTHER), customer("4", THIRD), customer("5", OTHER))
    feed.customers(2, *newcomers[:2], customer("1", OTHER), customer("2", ONE), *newcomers[2:])
    found = profiles(store, "email", "profile_id")
    assert {number: email for number, (email, _) in found.items()} == {
        "1": OTHER, "2": ONE, "3": ONE, "4": THIRD, "5": OTHER
    }  # fmt: skip
    assert (found["3"][1], found["5"][1]) == (found["2"][1], found["1"][1])
    assert count(store) == 3


def test_customers_6_an_owner_who_cannot_move_has_not_left(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    feed.customers(2, customer("1", OTHER), customer("3", ONE))
    assert profiles(store, "email") == {"1": ONE, "2": OTHER, "3": ONE}
    ids = profiles(store, "profile_id")
    assert ids["3"] == ids["1"]


def test_customers_6_a_late_file_moves_nobody_and_so_frees_no_address(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(9, customer("1", ONE))
    feed.customers(2, customer("1", OTHER), customer("3", ONE))
    assert profiles(store, "email") == {"1": ONE, "3": ONE}


def test_customers_9_a_chain_that_ends_at_an_owner_who_stays_moves_nobody(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER), customer("3", THIRD))
    counts = feed.customers(2, customer("1", OTHER), customer("2", THIRD), customer("3", firstname="Cas"))
    assert profiles(store, "email") == {"1": ONE, "2": OTHER, "3": THIRD}
    assert counts.warnings == {WarningCode.EMAIL_OWNED_BY_OTHER: 2}


def test_customers_10_missing_keeps_and_only_linked_empties_clear(store: psycopg.Connection) -> None:
    feed = Feed(store)
    street = {"custom_street": "Kerkstraat", "custom_shoe": "42"}
    feed.customers(1, customer("1", ONE, firstname="Ada", city="Amsterdam", newsletter=True, custom=street))
    feed.customers(2, customer("1", ONE, cleared=",city,custom_street,"))
    found = profiles(store, "firstname", "city", "newsletter", "custom")["1"]
    assert found == ("Ada", None, True, {"custom_shoe": "42", "custom_srs_customer_number": "1"})


def test_customers_10_only_the_named_field_is_cleared(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE, custom={"custom_a_b": "1", "custom_axb": "2"}))
    feed.customers(2, customer("1", ONE, cleared=",custom_axb,"))
    assert profiles(store, "custom")["1"] == {"custom_a_b": "1", "custom_srs_customer_number": "1"}


def test_customers_12_number_is_a_custom_field_too(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("00123", ONE))
    assert profiles(store, "custom") == {"00123": {"custom_srs_customer_number": "00123"}}


HISTORY = (
    (
        customer("1", ONE, firstname="Ada", city="A", custom={"custom_street": "x", "custom_a": "1"}),
        customer("2", THIRD),
    ),
    (customer("1", None, firstname="Bea", cleared=",city,custom_street,"),),
    (customer("1", OTHER, phone="3", custom={"custom_b": "3"}), customer("2", ONE, firstname="Two")),
    (customer("1", None, gender="F"), customer("2", None, cleared=",firstname,")),
)


def test_late_files_end_in_the_same_profiles(store: psycopg.Connection) -> None:
    ends = []
    for order in ((0, 1, 2, 3), (0, 3, 2, 1), (0, 2, 3, 1)):
        store.execute("TRUNCATE profiles, identifiers, files CASCADE")
        feed = Feed(store)
        files = [feed.file("srs_customers", index) for index in range(1, 5)]
        first = files[0].file_id
        for position in order:
            feed.load(files[position], customers(*HISTORY[position]))
        columns = "i.value, email, firstname, city, phone, gender, custom, sequence, p.record, field_versions"
        found = store.execute(
            f"SELECT {columns}, p.file_id - {first}"
            " FROM identifiers i JOIN profiles p USING (profile_id) ORDER BY 1"
        ).fetchall()
        ends.append(
            [(*row[:9], {k: (v[0], v[1] - first, v[2]) for k, v in row[9].items()}, row[10]) for row in found]
        )
    assert ends[0] == ends[1] == ends[2]
    custom = {"custom_a": "1", "custom_b": "3", "custom_srs_customer_number": "1"}
    assert ends[0][0][:7] == ("1", OTHER, "Bea", None, "3", "F", custom)


def test_a_rerun_writes_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER), customer("9"))
    file = feed.file("srs_customers", 2)
    frames = customers(
        customer(None, ONE, firstname="X"),
        customer("1", OTHER, cleared=",city,"),
        customer("2", ONE),
        customer("3", THIRD),
        customer("9", THIRD),
        customer("4"),
        customer(None, "new@example.com"),
        customer("3", None, city="Z"),
    )
    counts = feed.load(file, frames)
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before
    assert counts.warnings == {WarningCode.NO_EMAIL: 1}
    assert profiles(store, "email") == {"1": OTHER, "2": ONE, "3": THIRD, "4": None, "9": THIRD}


def test_a_replay_finds_the_profile_even_when_the_address_has_moved_on(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first = feed.file("srs_customers", 1)
    frames = customers(customer(None, ONE, firstname="Ada"))
    feed.load(first, frames)
    feed.customers(2, customer("1", ONE))
    feed.customers(3, customer("1", OTHER))
    before = dump(store)
    feed.load(first, frames, "replay")
    assert dump(store) == before
    assert count(store) == 1


def test_a_customers_file_fills_what_a_purchase_made(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(5, purchase("p1", 1, number="1", email=ONE))
    feed.customers(0, customer("1", OTHER, firstname="Ada"))
    assert profiles(store, "email", "firstname") == {"1": (OTHER, "Ada")}
    assert count(store) == 1


def test_the_same_number_on_several_records_is_one_person(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("1", None, city="A"), customer("1", ONE), customer("1", OTHER))
    assert count(store) == 1
    assert profiles(store, "email", "city") == {"1": (OTHER, "A")}


def test_customers_6_a_field_counts_from_the_record_that_brought_it(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(
        1,
        customer("1", "a@example.com", firstname="Ada"),
        customer("2", "a@example.com", firstname="Bea", lastname="Old"),
        customer("1", "a@example.com", lastname="Dijk"),
    )
    assert profiles(store, "firstname", "lastname") == {"1": ("Bea", "Dijk"), "2": ("Bea", "Dijk")}
