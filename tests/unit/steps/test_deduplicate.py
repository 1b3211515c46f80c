from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ERP = "erp_cache_customers"


def customer(**elements):
    return "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())


@pytest.fixture
def unique(process):
    def run(name, *records):
        return process(name, *records, until="deduplicate")

    return run


def test_customers_6_a_record_goes_where_later_ones_replace_every_field(unique):
    outcome = unique(
        CUSTOMERS,
        customer(CustomerNumber="1", FirstName="Ada", LastName="Old"),
        customer(CustomerNumber="2", FirstName="Bob"),
        customer(CustomerNumber="1", FirstName="Adriana"),
        customer(CustomerNumber="1", LastName="New"),
    )
    records = outcome.frames["records"]
    assert records["record"].tolist() == [2, 3, 4]
    assert records["key"].tolist() == ["2", "1", "1"]
    assert outcome.counts.collapsed == 2
    assert outcome.counts.warnings == {"repeated_key": 2}


def test_customers_6_what_only_an_earlier_record_says_stays(unique):
    outcome = unique(
        CUSTOMERS,
        customer(CustomerNumber="1", FirstName="Ada", City="Delft"),
        customer(CustomerNumber="1", LastName="New", City="", Newsletter="yes"),
    )
    records = outcome.frames["records"]
    assert records["record"].tolist() == [1, 2]
    assert records["firstname"].fillna("-").tolist() == ["Ada", "-"]
    assert outcome.counts.collapsed == 1


def test_customers_6_an_address_that_a_later_record_replaces_counts_for_nothing(unique):
    outcome = unique(
        CUSTOMERS,
        customer(CustomerNumber="1", FirstName="Ada", Email="a@b.nl"),
        customer(CustomerNumber="1", Email="c@b.nl"),
        customer(Email="a@b.nl", FirstName="Eve"),
        customer(Email="a@b.nl", LastName="Dijk"),
    )
    assert outcome.frames["records"]["email"].fillna("-").tolist() == ["-", "c@b.nl", "a@b.nl", "a@b.nl"]


def test_customers_6_identical_records_collapse(unique):
    outcome = unique(CUSTOMERS, *[customer(CustomerNumber="1", FirstName="Ada")] * 4)
    assert outcome.frames["records"]["record"].tolist() == [4]
    assert outcome.counts.collapsed == 3


def test_customers_6_records_without_number_collapse_by_email_among_themselves(unique):
    outcome = unique(
        CUSTOMERS,
        customer(CustomerNumber="1", Email="a@b.nl"),
        customer(Email="A@b.nl", FirstName="Ada"),
        customer(Email="a@b.nl", City="Delft"),
        customer(CustomerNumber="2", Email="a@b.nl"),
        customer(FirstName="Nobody"),
        customer(FirstName="Nobody"),
    )
    assert outcome.frames["records"]["record"].tolist() == [1, 2, 3, 4, 5, 6]
    assert outcome.counts.collapsed == 1


def test_customers_8_numbers_that_look_alike_are_two_customers(unique):
    assert (
        unique(CUSTOMERS, customer(CustomerNumber="00123"), customer(CustomerNumber="123")).counts.collapsed
        == 0
    )


def account(**elements):
    return customer(AccountNumber="1", PriceListName="A", **elements)


def test_erp_cache_5_each_field_stays_in_the_last_record_that_says_it(unique):
    outcome = unique(
        ERP,
        account(CashBack="5", InvoiceTo="9", DiscountPercentage="1"),
        account(CashBack="", InvoiceTo="8", DiscountPercentage=""),
        account(DiscountPercentage="2"),
    )
    assert outcome.frames["records"]["record"].tolist() == [2, 3]
    assert outcome.counts.collapsed == 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from([None, "", "1", "2"]),
            st.sampled_from([None, "", "x", "y"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_erp_cache_5_against_a_plain_model(unique, rows):
    """Laid over each other, the records that stay say the same as all of them did."""
    state, records = {}, []
    for key, cash_back, invoice_to in rows:
        given_ = {"CashBack": cash_back, "InvoiceTo": invoice_to}
        inner = {name: text for name, text in given_.items() if text is not None}
        records.append(customer(AccountNumber=key, PriceListName="A", **inner))
        state[key] = {**state.get(key, {}), **inner}
    outcome = unique(ERP, *records)
    found = {}
    for row in outcome.frames["records"].to_dict("records"):
        cleared = row["cleared"] if isinstance(row["cleared"], str) else ""
        values = found.setdefault(row["account_number"], {})
        for element, name in (("CashBack", "cash_back"), ("InvoiceTo", "invoice_to")):
            if f",{name}," in cleared:
                values[element] = ""
            elif isinstance(row[name], str | Decimal):
                values[element] = str(row[name]).removesuffix(".00")
    assert found == state
    assert outcome.counts.collapsed == len(rows) - len(state)


LINE, OTHER = ("a", "1.00"), ("b", "2.00")


def test_purchases_6_the_same_purchase_with_the_same_content_collapses(unique, purchase):
    outcome = unique(PURCHASES, purchase(LINE), purchase(LINE), purchase(LINE, OrderNumber="W1"))
    assert outcome.frames["records"]["record"].tolist() == [1, 3]
    assert outcome.frames["lines"]["record"].tolist() == [1, 3]
    assert outcome.counts.collapsed == 1


def test_purchases_6_of_one_order_number_the_last_wins(unique, purchase):
    outcome = unique(PURCHASES, purchase(LINE, OrderNumber="W1"), purchase(OTHER, LINE, OrderNumber="W1"))
    assert outcome.frames["records"]["record"].tolist() == [2]
    assert outcome.frames["lines"]["sku"].tolist() == ["b", "a"]
    assert outcome.counts.warnings == {"repeated_key": 1}


@pytest.mark.parametrize(
    "left_out",
    [((), {}), ((LINE,), {"CustomerNumber": None})],
    ids=["purchases_9_without_lines", "purchases_3_of_nobody"],
)
def test_what_is_left_out_takes_no_purchase_of_its_id_along(process, purchase, left_out):
    lines, elements = left_out
    order = {"OrderNumber": "W1"}
    outcome = process(PURCHASES, purchase(LINE, **order), purchase(*lines, **{**order, **elements}))
    assert outcome.frames["purchases"]["record"].tolist() == [1]
    assert outcome.frames["lines"]["record"].tolist() == [1]
    assert (outcome.counts.collapsed, sum(outcome.counts.skipped.values())) == (0, 1)


def test_purchases_7_what_is_left_out_collides_with_no_basket(process, purchase):
    outcome = process(PURCHASES, purchase(), purchase(LINE), purchase(LINE, CustomerNumber=None))
    assert outcome.frames["purchases"]["purchase_id"].tolist() == ["17|3|2017-01-05T11:53:26"]
    assert outcome.counts.warnings == {}


def test_purchases_7_another_basket_under_one_receipt_is_kept_with_a_suffix(unique, purchase):
    outcome = unique(PURCHASES, purchase(LINE), purchase(OTHER), purchase(LINE), purchase(LINE, OTHER))
    base = "17|3|2017-01-05T11:53:26"
    assert outcome.frames["records"]["purchase_id"].tolist() == [base, f"{base}~2", f"{base}~3"]
    assert outcome.counts.collapsed == 1
    assert outcome.counts.warnings == {"receipt_collision": 2, "repeated_key": 1}


def test_purchases_7_an_order_number_that_reads_like_a_suffixed_receipt_keeps_its_id(unique, purchase):
    base = "17|3|2017-01-05T11:53:26"
    outcome = unique(PURCHASES, purchase(LINE), purchase(OTHER), purchase(LINE, OrderNumber=f"{base}~2"))
    assert outcome.frames["records"]["purchase_id"].tolist() == [base, f"{base}~3", f"{base}~2"]


@pytest.mark.parametrize("number", ["W1", None])
def test_purchases_3_and_9_what_is_skipped_takes_no_place_and_no_id(unique, purchase, number):
    """In files of their own the good record would stay, and stay under its id."""
    good = purchase(LINE, OrderNumber=number)
    nobodys, empty = purchase(OTHER, OrderNumber=number, CustomerNumber=None), purchase(OrderNumber=number)
    outcome = unique(PURCHASES, nobodys, empty, good, nobodys, empty)
    ids = dict(outcome.frames["records"][["record", "purchase_id"]].to_numpy().tolist())
    assert ids[3] == (number or "17|3|2017-01-05T11:53:26")
    assert outcome.counts.collapsed == 0
    assert outcome.counts.warnings == {}


def test_purchases_8_a_return_never_meets_the_order_it_is_of(unique, purchase):
    outcome = unique(PURCHASES, purchase(LINE, OrderNumber="W1"), purchase(("a", "-1.00"), OrderNumber="W1"))
    assert outcome.frames["records"]["purchase_id"].tolist() == ["W1", "W1-R20170105115326"]
    assert outcome.counts.collapsed == 0


@pytest.mark.parametrize("number", [None, "W1"], ids=["receipt", "order"])
def test_purchases_7_the_same_basket_with_the_buyer_added_is_one_purchase(unique, purchase, number):
    bare = purchase(LINE, OrderNumber=number, Email="a@b.nl", CustomerNumber=None)
    outcome = unique(PURCHASES, bare, purchase(LINE, OrderNumber=number), bare)
    assert outcome.frames["records"]["customer_number"].tolist() == ["1001"]
    assert outcome.frames["records"]["email"].tolist() == ["a@b.nl"]
    assert outcome.counts.collapsed == 2
    assert "receipt_collision" not in outcome.counts.warnings


@pytest.mark.parametrize("number", [None, "W1"], ids=["receipt", "order"])
def test_purchases_7_a_basket_keeps_its_number_whatever_address_comes_without_one(unique, purchase, number):
    """As it does where the records come in files of their own."""
    first = purchase(LINE, OrderNumber=number, Email="a@b.nl")
    later = purchase(LINE, OrderNumber=number, Email="c@b.nl", CustomerNumber=None)
    outcome = unique(PURCHASES, first, later)
    assert outcome.frames["records"]["customer_number"].tolist() == ["1001"]
    assert outcome.frames["records"]["email"].tolist() == ["c@b.nl"]


def test_purchases_11_ids_that_read_alike_make_no_collision_and_replace_nothing(unique, purchase):
    back, receipt = "W-R20170105115326", "17|3|2017-01-05T11:53:26"
    outcome = unique(
        PURCHASES,
        purchase(LINE, OrderNumber=back),
        purchase(("a", "-1.00"), OrderNumber="W"),
        purchase(LINE),
        purchase(LINE, OrderNumber=receipt),
    )
    assert outcome.frames["records"]["purchase_id"].tolist() == [back, back, receipt, receipt]
    assert outcome.counts.collapsed == 0
