"""Encodings as declared and as they really are: read right, refused, or told; never silently wrong."""

from __future__ import annotations

import codecs

import pytest

from erp_feeds.errors import QuarantineError

CUSTOMERS = "srs_customers"
TEXT = (
    "<Export>\n<Customers><Customer><CustomerNumber>1</CustomerNumber><LastName>{}</LastName></Customer>"
    "</Customers></Export>"
)


def declared(encoding: str, name: str = "Zoë €") -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n' + TEXT.format(name)


def names(outcome):
    return outcome.frames["records"]["last_name"].tolist()


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize(
    "content",
    [
        TEXT.format("Zoë €").encode(),
        TEXT.format("Zoë €").encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.format("Zoë €").encode("utf-16-be"),
        declared("utf-16").encode("utf-16-le"),
        declared("utf-16").encode("utf-16-be"),
        declared("windows-1252").encode("cp1252"),
        declared("utf-8").encode("utf-8-sig"),
    ],
    ids=["undeclared", "mark", "mark be", "utf-16 no mark", "utf-16 be no mark", "1252", "utf-8 mark"],
)
def test_what_is_as_it_says_is_read_without_a_warning(read, content, chunk):
    outcome = read(CUSTOMERS, content, chunk=chunk)
    assert names(outcome) == ["Zoë €"]
    assert outcome.counts.warnings == {}


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + declared("windows-1252").encode(),
        codecs.BOM_UTF8 + declared("utf-16").encode(),
        declared("utf-8").encode("utf-16"),
        declared("windows-1252").encode("utf-16"),
        declared("utf-8").encode("utf-16-le"),
    ],
    ids=["utf-8 mark, 1252", "utf-8 mark, utf-16", "utf-16 mark, utf-8", "utf-16 mark, 1252",
         "utf-16, utf-8"],
)  # fmt: skip
def test_the_bytes_are_believed_against_the_declaration_with_one_warning(read, content):
    outcome = read(CUSTOMERS, content, content)
    assert names(outcome) == ["Zoë €", "Zoë €"]
    assert outcome.counts.warnings == {"encoding_mismatch": 1}


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (declared("utf-8").encode("cp1252"), "wrong_encoding", ("line 3, column ", "utf-8")),
        (TEXT.format("Zoë").encode("cp1252"), "wrong_encoding", ("line 2, column ", "means UTF-8")),
        (codecs.BOM_UTF8 + declared("utf-8").encode("cp1252"), "wrong_encoding", ("line 3, column ",)),
        (declared("utf-8").encode().replace(b"Zo", b"\xc0\xaf"), "wrong_encoding", ("line 3, column ",)),
        (declared("utf-16").encode(), "wrong_encoding", ("line 1 declares utf-16",)),
        (declared("UCS-4").encode("cp1252"), "wrong_encoding", ("line 1 declares UCS-4",)),
        (TEXT.format("Zoë").encode("utf-16-le"), "wrong_encoding", ("neither a byte order mark",)),
        (TEXT.format("Zoë").encode("utf-16-be"), "wrong_encoding", ("neither a byte order mark",)),
        (declared("utf-16Zoe").encode(), "wrong_encoding", ("line 1 declares utf-16,",)),
        (codecs.BOM_UTF8 + declared("Zoe").encode("cp1252"), "wrong_encoding", ("one of an unknown name",)),
        (declared("klingon").encode(), "unknown_encoding", ("line 1, column ", "write UTF-8")),
        (declared("utf-32").encode("utf-32"), "unknown_encoding", ("UTF-32",)),
    ],
    ids=["1252", "undeclared 1252", "mark and 1252", "overlong", "utf-16 is not", "ucs-4 is not",
         "utf-16 le", "utf-16 be", "a name behind utf-16", "a name", "klingon", "utf-32"],
)  # fmt: skip
def test_a_wrong_encoding_is_quarantined_with_its_place_and_without_text(read, content, code, words, chunk):
    with pytest.raises(QuarantineError) as caught:
        read(CUSTOMERS, content, chunk=chunk)
    assert caught.value.code == code
    for word in words:
        assert word in caught.value.reason
    assert "Zo" not in caught.value.reason


def test_utf_8_that_is_declared_as_windows_1252_is_told_with_the_number_of_values(read, xml):
    person = "<CustomerNumber>{}</CustomerNumber><LastName>{}</LastName><City>{}</City><Shoe>{}</Shoe>"
    text = xml(
        CUSTOMERS,
        person.format(1, "Zoë", "Köln €", "Größe"),
        person.format(2, "Ada", "Łódź", "plain"),
    )
    content = f'<?xml version="1.0" encoding="windows-1252"?>{text}'.encode()
    # Windows-1252 has no sign for five bytes: a file with one of them is refused instead of told.
    content = content.replace("Ł".encode(), "ł".encode())
    outcome = read(CUSTOMERS, content)
    assert outcome.counts.warnings["mojibake"] == 4
    assert outcome.counts.read == len(outcome.frames["records"]) == 2


def test_windows_1252_that_is_declared_as_latin_1_is_told(read):
    outcome = read(CUSTOMERS, declared("iso-8859-1", "Zoë €5 O\u2019Brien").encode("cp1252"))
    assert outcome.counts.warnings == {"damaged_text": 1}
