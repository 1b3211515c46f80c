from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from erp_feeds.columns.convert import read_values
from erp_feeds.interfaces.spec import Field, FieldType


def read(form, text):
    """The day of one text, None where it is refused, with the reason."""
    spec = Field("birth_date", "BirthDate", FieldType.DATE, date_form=form)
    reading = read_values(spec, pa.array([text, None], pa.string()))
    (error,) = reading.errors
    values = reading.values.to_pylist()
    assert error.mask.to_pylist() == [values[0] is None, False]
    return values[0], error.reason


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%d", "1985-04-12"),
        ("%d-%m-%Y", "12-04-1985"),
        ("%m/%d/%Y", "04/12/1985"),
        ("%Y%m%d", "19850412"),
        ("%d.%m.%Y", "12.04.1985"),
        ("%d (%m) %Y", "12 (04) 1985"),
    ],
)
def test_a_day_is_read_in_the_form_of_its_field(form, text):
    assert read(form, text)[0] == date(1985, 4, 12)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d-%m-%Y", "1985-04-12"),
        ("%d-%m-%Y", "30-02-1985"),
        ("%d-%m-%Y", "04-13-1985"),
        ("%d-%m-%Y", "12-04-85"),
        ("%d-%m-%Y", "1-4-1985"),
        ("%d.%m.%Y", "12x04x1985"),
        ("%d-%m-%Y", "12-04-1985 10:00"),
        ("%d-%m-%Y", "12-04-0000"),
        ("%Y-%m-%d", "12-04-1985"),
    ],
)
def test_a_day_of_another_form_or_none_is_refused_never_guessed(form, text):
    assert read(form, text)[0] is None


def test_the_reason_says_the_form_in_words():
    assert read("%d/%m/%Y", "x")[1] == "is no day of the form dd/MM/yyyy"
    assert read("%Y-%m-%d", "x")[1] == "is no day of the form yyyy-MM-dd"


@pytest.mark.parametrize("number", ["123.0", "1.23E+05", "١٢٣", "12\u202e3", "1\u200b2"])
def test_customers_8_what_only_looks_like_a_number_is_malformed(read, xml, number):
    rejects = read("srs_customers", xml("srs_customers", f"<CustomerNumber>{number}</CustomerNumber>")).frames
    assert rejects["rejects"]["code"].tolist() == ["malformed_number"]


@pytest.mark.parametrize("number", ["0", "000", "-1", "999"])
def test_customers_7_a_merchants_placeholders_add_to_the_known_ones(read, xml, make_merchant, number):
    owner = make_merchant(excluded_identifiers=("999",))
    text = xml("srs_customers", f"<CustomerNumber>{number}</CustomerNumber><Email>a@x.nl</Email>")
    assert read("srs_customers", text, owner=owner).frames["records"]["key"].tolist() == ["a@x.nl"]


@pytest.mark.parametrize("email", ["İ@x.nl", "\u212a@x.nl"])
def test_customers_7_only_ascii_is_lowered(read, xml, email):
    records = read("srs_customers", xml("srs_customers", f"<Email>{email.replace('x', 'X')}</Email>")).frames
    assert records["records"]["email"].tolist() == [email]


ODD_TEXTS = (
    "100001",
    "123.0",
    "1e5",
    "1.23E+05",
    "W,1",
    "٣",
    "x" * 201,
    "a\x7fb",
    "-1",
    "0,12",
    "1,234.50",
    ".5",
    "5.",
    "12345678901234567",
    "0" * 20 + "1.00",
    "2017-01-31",
    "2017-02-30",
    "0000-01-01",
    "0001-01-01",
    "20170131",
    "a@x.nl",
    "a" * 65 + "@x.nl",
    "a@" + "x" * 260 + ".nl",
    "é@x.nl",
    "2017-01-31T24:00",
    "2017-02-30T01:00",
)


def read_as(spec, texts):
    """The values of a column, and the codes of each row that breaks a rule."""
    reading = read_values(spec, pa.array(texts, pa.string()))
    masks = [(error.code, error.mask.to_pylist()) for error in reading.errors]
    assert not any(None in mask for _, mask in masks)
    return [
        (value, {code for code, mask in masks if mask[row]})
        for row, value in enumerate(reading.values.to_pylist())
    ]


@pytest.mark.parametrize("form", [form for form in FieldType if form is not FieldType.YES_NO])
def test_a_value_is_read_alike_whatever_else_its_column_holds(form):
    spec = Field("column", "Column", form)
    assert read_as(spec, [*ODD_TEXTS, None]) == [
        *(read_as(spec, [text, None])[0] for text in ODD_TEXTS),
        (None, set()),
    ]
