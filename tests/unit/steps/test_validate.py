from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ERP = "erp_cache_customers"


@pytest.fixture
def customers(read, xml):
    def run(*records, **options):
        return read(CUSTOMERS, xml(CUSTOMERS, *records), **options)

    return run


@pytest.fixture
def account(read, xml):
    """Read one account with one more element; return (value, reject codes)."""

    def run(element, text):
        inner = (
            f"<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName><{element}>{text}</{element}>"
        )
        outcome = read(ERP, xml(ERP, inner))
        column = {
            "CashBack": "cash_back",
            "DiscountPercentage": "discount_percentage",
            "CashBackCalculateToDate": "cash_back_calculate_to_date",
        }
        values = outcome.frames["records"][column[element]].tolist()
        return (values[0] if values else None), outcome.frames["rejects"]["code"].tolist()

    return run


WAYS = ("missing", "empty")


@pytest.fixture
def codes(read, xml):
    def run(name, *records, **options):
        rejects = read(name, xml(name, *records), **options).frames["rejects"]
        return [tuple(row) for row in rejects[["record", "code", "field"]].values.tolist()]

    return run


def test_erp_cache_1_missing_and_empty_required_fields_reject(codes):
    found = codes(ERP, "<AccountNumber/>", "<AccountNumber>1</AccountNumber><PriceListName> </PriceListName>")
    assert found == [
        (1, "missing_field", "account_number"),
        (1, "missing_field", "price_list_name"),
        (2, "missing_field", "price_list_name"),
    ]


def test_a_reason_says_whether_a_required_element_is_missing_or_empty(read, xml, purchase):
    """Who looks for an element that is there finds the record in order, and the sender wrong."""
    name = "<PriceListName>A</PriceListName>"
    records = [name, f"<AccountNumber> </AccountNumber>{name}", f"<AccountNumber>1</AccountNumber>{name}"]
    rejects = read(ERP, xml(ERP, *records)).frames["rejects"]
    assert rejects["reason"].tolist() == [f"AccountNumber is required, but {how}" for how in WAYS]
    line = ("a", "1.00")
    tills = [purchase(line, Branch=None), purchase(line, Branch=""), purchase(("", "1"), line)]
    tills += [purchase(line).replace("<Sku>a</Sku>", "")]
    rejects = read(PURCHASES, xml(PURCHASES, *tills)).frames["rejects"]
    till = "is required where the purchase has no order number, but"
    assert rejects["reason"].tolist() == [
        f"{till} missing",
        f"{till} empty",
        "line 1: Sku is required, but empty",
        "line 1: Sku is required, but missing",
    ]


def test_a_record_with_several_rejects_is_counted_once_under_its_first_code(read, xml):
    inner = "<AccountNumber>1.2E+05</AccountNumber><PriceListName/><CashBack>x</CashBack>"
    outcome = read(ERP, xml(ERP, inner, inner))
    assert len(outcome.frames["rejects"]) == 6
    assert outcome.counts.rejected == {"malformed_number": 2}
    assert outcome.counts.read == 2


def test_reasons_never_hold_the_value(read, xml):
    inner = "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName><CashBack>SECRET</CashBack>"
    reason = read(ERP, xml(ERP, inner)).frames["rejects"]["reason"][0]
    assert "SECRET" not in reason
    assert "1,234.50" in reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        ("1234.50", "1234.50"),
        ("-0.5", "-0.50"),
        (".5", "0.50"),
        ("0", "0.00"),
        ("1,234,567", "1234567.00"),
        ("007", "7.00"),
        ("0000000000000000000012.5", "12.50"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_erp_cache_3_good_decimals(account, text, value):
    assert account("CashBack", text) == (Decimal(value), [])


@pytest.mark.parametrize(
    "text",
    [
        "1.234,50",
        "12,34.5",
        "NaN",
        "1e3",
        "\uff11\uff12",
        "1_000",
        "1.234",
        "12.",
        "+1",
        "--1",
        ",123",
        "Infinity",
        "1 234",
        "0x1",
        ".",
        "-",
        "\u0661",
        "1,2345",
    ],
)
def test_erp_cache_3_bad_decimals(account, text):
    assert account("CashBack", text) == (None, ["invalid_decimal"])


def test_decimals_beyond_their_digits_or_limits_are_out_of_range(account):
    assert account("CashBack", "12345678901234567.00") == (None, ["out_of_range"])
    assert account("DiscountPercentage", "100.01") == (None, ["out_of_range"])
    assert account("DiscountPercentage", "-0.01") == (None, ["out_of_range"])
    assert account("DiscountPercentage", "1000") == (None, ["out_of_range"])
    assert account("DiscountPercentage", "100") == (Decimal("100.00"), [])
    assert account("DiscountPercentage", "0.00") == (Decimal("0.00"), [])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.decimals(-(10**15), 10**15, places=2), min_size=1, max_size=20))
def test_every_decimal_survives_with_and_without_groups(read, xml, numbers):
    head = "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>"
    records = [
        f"{head}<CashBack>{n:,.2f}</CashBack><CumulativeSalesVolume>{n:f}</CumulativeSalesVolume>"
        for n in numbers
    ]
    frame = read(ERP, xml(ERP, *records)).frames["records"]
    assert frame["cash_back"].tolist() == frame["cumulative_sales_volume"].tolist() == numbers


@pytest.mark.parametrize(
    "text",
    [
        "2017-02-30",
        "2017-13-01",
        "2017-2-3",
        "20170203",
        "0000-01-01",
        "2017-01-31T00:00:00",
        "31-01-2017",
        "2017-01-00",
        "2100-02-29",
    ],
)
def test_erp_cache_3_only_real_days(account, text):
    assert account("CashBackCalculateToDate", text) == (None, ["invalid_date"])


@pytest.mark.parametrize("day", [date(2016, 2, 29), date(1, 1, 2), date(9999, 12, 31), date(1969, 12, 31)])
def test_real_days_are_read(account, day):
    assert account("CashBackCalculateToDate", day.isoformat()) == (day, [])


def test_customers_11_the_day_that_dotnet_writes_for_none_is_left_out(customers):
    outcome = customers("<CustomerNumber>1</CustomerNumber><BirthDate>0001-01-01</BirthDate>")
    assert outcome.frames["records"]["birth_date"].isna().all()
    assert outcome.counts.warnings == {"unknown_value:birth_date": 1}
    assert outcome.counts.rejected == {}


def test_customers_11_a_withdrawn_consent_never_waits_for_a_birth_date(customers):
    outcome = customers(
        "<CustomerNumber>1</CustomerNumber><BirthDate>1985-13-12</BirthDate><Newsletter>no</Newsletter>"
    )
    (row,) = outcome.frames["records"].to_dict("records")
    assert row["newsletter"] is False
    assert outcome.frames["records"]["birth_date"].isna().all()
    assert outcome.counts.warnings == {"unknown_value:birth_date": 1}
    assert outcome.counts.rejected == {}


def test_customers_8_numbers_are_text_and_scientific_notation_is_rejected(customers):
    numbers = ["00123", "123", "1.23E+05", "1E+10", "1,5e3", "1E5", "12E", "E+05"]
    outcome = customers(*(f"<CustomerNumber>{number}</CustomerNumber>" for number in numbers))
    assert outcome.frames["records"]["customer_number"].tolist() == ["00123", "123", "1E5", "12E", "E+05"]
    assert outcome.counts.rejected == {"malformed_number": 3}


def test_customers_7_emails_are_trimmed_and_lower_cased(customers):
    outcome = customers("<Email> Ada.L+x@Example.COM\u00a0</Email>")
    assert outcome.frames["records"]["email"].tolist() == ["ada.l+x@example.com"]


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\u00ad", "\u200e\u00a0", " \u2060 "])
def test_customers_7_and_8_what_cannot_be_seen_makes_no_other_person(customers, unseen):
    """Nor does it make an empty element a value."""
    person = f"<CustomerNumber>{unseen}1001{unseen}</CustomerNumber><Email>{unseen}a@b.nl{unseen}</Email>"
    frame = customers(f"{person}<FirstName>{unseen}</FirstName>").frames["records"]
    assert frame[["customer_number", "email"]].to_numpy().tolist() == [["1001", "a@b.nl"]]
    assert frame["cleared"].tolist() == [",first_name,"]


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com",
        "o'brien@example.co.uk",
        "a_b-c@sub-domain.example.nl",
        "zoë@münchen.de",
        "1@2.nl",
        "a@b.c.nl",
        "x@xn--mnchen-3ya.de",
        "a" * 64 + "@example.com",
        "a!#$%*/=?^`{|}~@example.com",
    ],
)
def test_customers_7_valid_emails(customers, email):
    assert customers(f"<Email>{email}</Email>").frames["records"]["email"].tolist() == [email]


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "a\u00a0b@example.com",
        "a\u200bb@example.com",
        "a@b@example.com",
        "ada@example",
        "ada@.com",
        "ada@example.",
        "ada@example..com",
        ".ada@example.com",
        "a..b@example.com",
        "a,b@example.com",
        "a@example.com; b@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".nl",
        "a@exa_mple.com",
        "a@-example.com",
        "a@example.c",
    ],
)
def test_customers_7_invalid_emails(customers, email):
    alone = customers(f"<Email>{email}</Email>")
    assert alone.counts.rejected == {"invalid_email": 1}
    with_number = customers(f"<CustomerNumber>1</CustomerNumber><Email>{email}</Email>")
    assert with_number.counts.rejected == {}
    assert with_number.counts.warnings == {"invalid_email_dropped": 1}
    assert with_number.frames["records"]["email"].isna().all()


def test_customers_7_placeholders_count_as_absent(customers, make_merchant):
    owner = make_merchant(excluded_emails=["NVT", "kassa@shop.nl"])
    records = [
        f"<CustomerNumber>{number}</CustomerNumber><Email>nvt</Email>" for number in ("0", "000", "-1", "00")
    ]
    frame = customers(*records, "<Email>Kassa@shop.nl</Email>", owner=owner).frames["records"]
    assert frame["customer_number"].fillna("-").tolist() == ["-", "-", "-", "00", "-"]
    assert frame["email"].isna().all()
    refused = customers("<CustomerNumber>000</CustomerNumber><Email>oops</Email>")
    assert refused.counts.rejected == {"invalid_email": 1}


def test_customers_10_consent_is_never_invented(customers):
    words = ["yes", "JA", "true", "1", "y", "J", "no", "Nee", "FALSE", "0", "n", "", "maybe", "2"]
    outcome = customers(
        *(
            f"<CustomerNumber>{n + 1}</CustomerNumber><Newsletter>{word}</Newsletter>"
            for n, word in enumerate(words)
        )
    )
    values = outcome.frames["records"]["newsletter"]
    assert values[:11].tolist() == [True] * 6 + [False] * 5
    assert values[11:].isna().all()
    assert outcome.counts.warnings == {"unknown_value:newsletter": 2}


def test_warnings_of_rejected_records_are_not_counted(customers):
    outcome = customers("<CustomerNumber>1E+5</CustomerNumber><Email>oops</Email><Newsletter>x</Newsletter>")
    assert outcome.counts.warnings == {}
    assert outcome.counts.rejected == {"malformed_number": 1}


def test_purchases_1_a_till_receipt_needs_receipt_branch_and_moment(codes, purchase):
    line = ("a", "1.00")
    found = codes(
        PURCHASES,
        purchase(line, ReceiptNumber=None),
        purchase(line, Branch=""),
        purchase(line, DateTime=None),
        purchase(line, ReceiptNumber=None, Branch=None, OrderNumber="W1"),
    )
    assert found == [
        (1, "missing_field", "receipt_number"),
        (2, "missing_field", "branch"),
        (3, "missing_field", "date_time"),
    ]


@pytest.mark.parametrize("number", ["0", "000", "-1"])
def test_purchases_1_an_order_number_that_means_none_is_absent(codes, process, purchase, number):
    """Else all receipts of a till that writes 0 would be one order, of which the last one stays."""
    line = ("a", "1.00")
    receipts = [purchase(line, OrderNumber=number, ReceiptNumber=receipt) for receipt in ("17", "18")]
    sold = process(PURCHASES, *receipts).frames["purchases"]
    assert sold["channel"].tolist() == ["offline", "offline"]
    assert sold["purchase_id"].tolist() == ["17|3|2017-01-05T11:53:26", "18|3|2017-01-05T11:53:26"]
    assert codes(PURCHASES, purchase(line, OrderNumber=number, Branch=None)) == [
        (1, "missing_field", "branch")
    ]


def test_purchases_1_a_malformed_number_is_no_missing_one(codes, purchase):
    """The sender would be asked for a receipt number that an online order never has, or that is there."""
    line = ("a", "1.00")
    online = purchase(line, OrderNumber="1.2E+9", ReceiptNumber=None, Branch=None, DateTime="2017-01-05")
    assert codes(PURCHASES, online, purchase(line, ReceiptNumber="1.2E+9")) == [
        (1, "malformed_number", "order_number"),
        (2, "malformed_number", "receipt_number"),
    ]


def test_purchases_5_a_date_without_time_is_rejected_offline_only(codes, purchase):
    line = ("a", "1.00")
    found = codes(
        PURCHASES,
        purchase(line, DateTime="2017-01-05"),
        purchase(line, DateTime="2017-01-05", OrderNumber="W1"),
    )
    assert found == [(1, "missing_time", "date_time")]


@pytest.mark.parametrize(
    "text",
    [
        "2017-01-05T11:53",
        "2017-01-05 11:53:26",
        "2017-01-05T11:53:26.123",
        "2017-01-05T11:53Z",
        "2017-01-05T11:53:26+01:00",
        "2017-01-05T11:53:26.1234567-0500",
    ],
)
def test_moments_stay_as_delivered(read, xml, purchase, text):
    outcome = read(PURCHASES, xml(PURCHASES, purchase(("a", "1.00"), DateTime=text)))
    assert outcome.frames["records"]["date_time"].tolist() == [text]


@pytest.mark.parametrize(
    "text",
    [
        "2017-02-30T11:53",
        "2017-01-05T24:00",
        "2017-01-05T11:60",
        "2017-01-05T1:53",
        "11:53",
        "05-01-2017 11:53",
        "2017-01-05T11:53:60",
        "2017-01-05T11:53 CET",
    ],
)
def test_moments_that_never_were_are_rejected(codes, purchase, text):
    assert codes(PURCHASES, purchase(("a", "1.00"), DateTime=text)) == [(1, "invalid_datetime", "date_time")]


def test_a_bad_line_rejects_its_purchase_once_a_field(read, xml, purchase):
    outcome = read(
        PURCHASES,
        xml(
            PURCHASES,
            purchase(("a", "1.00"), ("b", "oops"), ("c", "1.2.3"), ("", "1")),
            purchase(("a", "1.00")),
        ),
    )
    rejects = outcome.frames["rejects"]
    assert rejects[["record", "code", "field"]].values.tolist() == [
        [1, "missing_field", "lines.sku"],
        [1, "invalid_decimal", "lines.amount"],
    ]
    assert rejects["reason"][1].startswith("line 2: ")
    assert outcome.counts.rejected == {"missing_field": 1}
    assert outcome.frames["records"]["record"].tolist() == outcome.frames["lines"]["record"].tolist() == [2]


def test_a_total_that_no_amount_can_hold_rejects_the_purchase(read, xml, purchase):
    outcome = read(PURCHASES, xml(PURCHASES, purchase(("a", "999999999999.99"), ("b", "0.01"))))
    assert outcome.counts.rejected == {"out_of_range": 1}


def test_purchases_with_invalid_emails_follow_customers_7(codes, purchase):
    line = ("a", "1.00")
    found = codes(PURCHASES, purchase(line, Email="oops"), purchase(line, Email="oops", CustomerNumber="0"))
    assert found == [(2, "invalid_email", "email")]
