"""What a zip may be, and each way in which it is quarantined."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Mapping

import pytest

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.storage import zips

NAME = "TestShop_SRS_Customers_20170101.zip"
MEMBER = "TestShop_SRS_Customers_20170101.xml"
XML = b"<Export><Customers/></Export>"
CUSTOMERS = INTERFACES["srs_customers"]


def zipped(
    members: Mapping[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, content)
    return file.getvalue()


def read(content: bytes, merchant: Merchant, name: str = NAME) -> dict[str, bytes]:
    opened = zips.members(io.BytesIO(content), name, CUSTOMERS, merchant)
    return {source.name: source.read() for source in opened.sources()}


def refusal(content: bytes, merchant: Merchant, name: str = NAME) -> str:
    with pytest.raises(QuarantineError) as caught:
        read(content, merchant, name)
    return caught.value.code


def test_zip_with_its_member(merchant: Merchant) -> None:
    assert read(zipped({MEMBER: XML}), merchant) == {MEMBER: XML}


def test_lone_member_may_have_any_name_and_folder(merchant: Merchant) -> None:
    assert read(zipped({"out/export.XML": XML, "readme.txt": b"hello"}), merchant) == {"out/export.XML": XML}


@pytest.mark.rule("files 4")
def test_members_of_the_interface_come_in_name_order_without_the_others(merchant: Merchant) -> None:
    second = MEMBER.replace("20170101", "20170102")
    members = {
        second: b"<b/>",
        "TestShop_SRS_Purchases_1.xml": b"<p/>",
        "extra.xml": b"<x/>",
        MEMBER: b"<a/>",
    }
    assert list(read(zipped(members), merchant).items()) == [(MEMBER, b"<a/>"), (second, b"<b/>")]


def test_xml_that_is_not_read_is_told(merchant: Merchant) -> None:
    members = {MEMBER: XML, "TestShop_SRS_Purchases_1.xml": b"<p/>", "extra.xml": b"<x/>", "._x.xml": b"x"}
    opened = zips.members(io.BytesIO(zipped(members)), NAME, CUSTOMERS, merchant)
    assert len(list(opened.sources())) == 1
    assert opened.counts.warnings == {"ignored_member": 2}


def test_a_directory_of_very_many_members_is_quarantined_before_it_is_read(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(zipped({f"{number}.txt": b"" for number in range(5_000)}))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert refusal(bytes(content), merchant) == "too_many_members"
    end = content.rindex(b"PK\x05\x06")
    content[end + 8 : end + 12] = struct.pack("<HH", 1, 1)  # the count lies, the size of the directory cannot
    assert refusal(bytes(content), merchant) == "too_many_members"


@pytest.mark.parametrize(("count", "code"), [(1, None), (101, "too_many_members")])
def test_the_end_record_of_zip64_is_understood(merchant: Merchant, count: int, code: str | None) -> None:
    names = [MEMBER, *(f"{number}.txt" for number in range(1, count))]
    content = zipped(dict.fromkeys(names, XML))
    end = content.rindex(b"PK\x05\x06")
    entries, size, offset = struct.unpack("<HLL", content[end + 10 : end + 20])
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    rest = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    whole = content[:end] + record + locator + rest
    assert (refusal(whole, merchant) if code else read(whole, merchant)) == (code or {MEMBER: XML})


@pytest.mark.rule("files 4")
def test_what_file_managers_leave_behind_is_ignored(merchant: Merchant) -> None:
    clutter = {
        "out/": b"",
        "__MACOSX/._x.xml": b"x",
        "Thumbs.db": b"x",
        ".DS_Store": b"x",
        "out/._y.xml": b"",
    }
    assert read(zipped({**clutter, f"out/{MEMBER}": XML}), merchant) == {f"out/{MEMBER}": XML}


def test_a_member_without_a_name_is_no_xml(merchant: Merchant) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), XML)
    assert refusal(file.getvalue(), merchant) == QuarantineCode.NO_MEMBER


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_bare_xml_in_any_encoding(merchant: Merchant, encoding: str) -> None:
    content = '<?xml version="1.0"?>\n<Export>é</Export>\n'.encode(encoding)
    assert read(content, merchant, MEMBER) == {MEMBER: content}


@pytest.mark.parametrize(
    ("name", "content", "warnings"),
    [
        (NAME, zipped({MEMBER: XML}), {}),
        (MEMBER, XML, {}),
        (MEMBER, zipped({MEMBER: XML}), {"wrong_extension": 1}),
        (NAME, XML, {"wrong_extension": 1}),
        (NAME.upper(), zipped({MEMBER: XML}), {}),
    ],
)
@pytest.mark.rule("files 6")
def test_wrong_extension_is_a_warning(
    merchant: Merchant, name: str, content: bytes, warnings: dict[str, int]
) -> None:
    assert zips.members(io.BytesIO(content), name, CUSTOMERS, merchant).counts.warnings == warnings


def commented(comment: bytes) -> bytes:
    file = io.BytesIO(zipped({MEMBER: XML}))
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = comment
    return file.getvalue()


def moved(content: bytes, by: int) -> bytes:
    """Correct the places that a zip names of its parts, as `zip -A` does where bytes come before it."""
    corrected = bytearray(content)
    for signature, at in ((b"PK\x01\x02", 42), (b"PK\x05\x06", 16)):
        place = corrected.index(signature) + at
        corrected[place : place + 4] = struct.pack(
            "<L", *(by + each for each in struct.unpack("<L", corrected[place : place + 4]))
        )
    return bytes(corrected)


WHOLE = zipped({MEMBER: XML})
EMPTY = zipped({})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (WHOLE + WHOLE, "two_zips"),
        (WHOLE + moved(WHOLE, len(WHOLE)), "two_zips"),
        (EMPTY + WHOLE, "two_zips"),
        (WHOLE + EMPTY, "two_zips"),
        (WHOLE[:40] + WHOLE, "two_zips"),
        (WHOLE + WHOLE[:40], "two_zips"),
        (b"MZ stub" + WHOLE, "bytes_before_zip"),
        (b"MZ stub" + moved(WHOLE, 7), "bytes_before_zip"),
        (b"\r\n" + WHOLE, "bytes_before_zip"),
        (XML + WHOLE, "bytes_before_zip"),
    ],
)
def test_files_7_two_zips_or_bytes_before_a_zip_are_quarantined(
    merchant: Merchant, content: bytes, code: str
) -> None:
    assert refusal(content, merchant) == code


@pytest.mark.parametrize(
    ("content", "warnings"),
    [
        (WHOLE, {}),
        (commented(b"made by an ERP"), {}),
        (WHOLE + b"\0" * 512, {"trailing_bytes": 1}),
        (commented(b"made by an ERP") + b"\r\n", {"trailing_bytes": 1}),
    ],
)
def test_files_7_bytes_behind_a_zip_are_a_warning_unless_its_comment(
    merchant: Merchant, content: bytes, warnings: dict[str, int]
) -> None:
    opened = zips.members(io.BytesIO(content), NAME, CUSTOMERS, merchant)
    assert [source.read() for source in opened.sources()] == [XML]
    assert opened.counts.warnings == warnings


def encrypted() -> bytes:
    content = bytearray(zipped({MEMBER: XML}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def damaged() -> bytes:
    content = bytearray(zipped({MEMBER: XML}, zipfile.ZIP_STORED))
    content[content.index(b"<Customers")] ^= 1
    return bytes(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("truncated", b""),
        ("truncated", b"PK"),
        ("truncated", bytes(5_000)),
        ("truncated", zipped({MEMBER: XML * 100})[:-30]),
        ("truncated", zipped({MEMBER: XML})[:20]),
        ("truncated", damaged()),
        ("truncated", b"<Export><Customers><Customer><Email>a@b"),
        ("not_a_zip", b"%PDF-1.4 something"),
        ("not_a_zip", zipped({MEMBER: XML}, zipfile.ZIP_BZIP2)),
        ("no_member", zipped({})),
        ("no_member", zipped({"readme.txt": b"x"})),
        ("no_member", zipped({"a.xml": XML, "b.xml": XML})),
        ("no_member", zipped({"TestShop_SRS_Purchases_20170101.xml": XML})),
        ("foreign_member", zipped({MEMBER: XML, "OtherShop_SRS_Customers_20170101.xml": XML})),
        ("foreign_member", zipped({"testshop_SRS_Customers_20170101.xml": XML})),
        ("encrypted", encrypted()),
        ("nested_zip", zipped({MEMBER: XML, "more.zip": b"x"})),
        ("nested_zip", zipped({MEMBER: zipped({"a.xml": XML})})),
        ("duplicate_member", zipped([(MEMBER, XML), (MEMBER, XML)])),
        ("unsafe_path", zipped({"../" + MEMBER: XML})),
        ("unsafe_path", zipped({"/etc/" + MEMBER: XML})),
        ("unsafe_path", zipped({"C:\\" + MEMBER: XML})),
        ("unsafe_path", zipped({"a\\..\\..\\" + MEMBER: XML})),
        ("too_many_members", zipped({f"{number}.txt": b"" for number in range(101)})),
        ("too_compressed", zipped({MEMBER: b"<a>" + bytes(60_000_000)})),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else ""
    ),  # a zip's bytes hold the time: no name for a test
)
@pytest.mark.rule("files 4", "files 5")
def test_refusals(merchant: Merchant, code: str, content: bytes) -> None:
    assert refusal(content, merchant) == code
    assert code in set(QuarantineCode)


RENAMED = MEMBER.replace("Shop", "Plan").encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped({MEMBER: XML * 100})[:-30], "its end is missing"),
        (damaged(), "a checksum is wrong"),
        (zipped({MEMBER: XML}).replace(b"PK\x01\x02", b"PK\x01\x00"), "a part of it is not where its"),
        (
            zipped({MEMBER: XML}).replace(MEMBER.encode(), RENAMED, 1),
            "its directory and a member do not have",
        ),
        (zipped({MEMBER: XML * 9}).replace(b"\xb3\x71", b"\xff\xff", 1), "a member cannot be unzipped"),
    ],
    ids=("end", "checksum", "directory", "name", "content"),
)
def test_damage_is_told_in_our_words_and_not_in_those_of_python(
    merchant: Merchant, content: bytes, words: str
) -> None:
    with pytest.raises(QuarantineError) as refused:
        read(content, merchant)
    assert refused.value.reason.startswith(f"the zip is cut or damaged ({words}")
    for foreign in ("zip file", "CRC", "magic", "decompress", "zlib", "central", "header"):
        assert foreign not in refused.value.reason


PERSON = "Zzyzxella Quuxington"


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (bytes(700), "holds 700 bytes without content")]
)
def test_an_upload_without_content_is_told_in_plain_words(
    merchant: Merchant, content: bytes, reason: str
) -> None:
    with pytest.raises(QuarantineError, match=f"{reason}: the upload was not finished$"):
        read(content, merchant)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({f"{PERSON}.pdf": b"x", f"{PERSON}.x": b"x"}), "it contains member 1 (.pdf), member 2"),
        (zipped({"TestShop_ErpCache_CustomerPrices_1.xml": XML, f"{PERSON}.xml": XML}),
         "it contains member 'TestShop_ErpCache_CustomerPrices_1.xml', member 2 (.xml)"),
        (zipped({MEMBER: XML, f"{PERSON}/Other_SRS_Customers_1.xml": XML}),
         "member 'Other_SRS_Customers_1.xml' is of another shop, not of 'TestShop'"),
        (zipped({MEMBER: XML, f"{PERSON}_SRS_Customers_1.xml": XML}), "member 2 (.xml) is of another shop"),
        (zipped({f"{PERSON}/../../{MEMBER}": XML}), f"member '{MEMBER}' points out of the zip"),
        (zipped([(MEMBER, XML), *[(f"{PERSON}.xml", XML)] * 2]), "member 2 (.xml) is there 2 times"),
        (zipped({MEMBER: XML, f"{PERSON}.ZIP": b"x"}), "member 2 (.zip) is itself an archive"),
        (zipped({f"{PERSON}.xml": zipped({"a.xml": XML})}), "member 1 (.xml) is itself a zip"),
        (zipped({f"{PERSON}.xml": XML}, zipfile.ZIP_BZIP2), "member 1 (.xml) is packed by method 12"),
        (zipped({f"{PERSON}.xml": XML}, zipfile.ZIP_STORED).replace(b"<Customers", b"<customers"),
         "(a checksum is wrong)"),
        (zipped({f"{PERSON}'s.xml": XML}).replace(PERSON.encode(), PERSON.upper().encode(), 1),
         "(its directory and a member do not have the same name)"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)  # fmt: skip
def test_a_reason_names_exports_and_counts_other_members(
    merchant: Merchant, content: bytes, said: str
) -> None:
    with pytest.raises(QuarantineError) as caught:
        read(content, merchant)
    assert said in caught.value.reason
    assert not [part for part in PERSON.upper().split() if part in caught.value.reason.upper()]


@pytest.mark.rule("files 5")
def test_real_bytes_count_not_those_of_the_header(merchant: Merchant) -> None:
    limits = merchant.limits.model_copy(update={"unzipped_bytes": 1_000})
    small = merchant.model_copy(update={"limits": limits})
    content = zipped({MEMBER: XML * 100})
    said = struct.pack("<L", len(XML) * 100)
    assert refusal(content, small) == "too_large"
    assert refusal(content.replace(said, struct.pack("<L", 10)), small) in ("too_large", "truncated")
    assert refusal(XML * 100, small, MEMBER) == "too_large"


def test_any_damage_is_quarantined_or_harmless(merchant: Merchant) -> None:
    """Whatever bytes flip, a run is never broken by one file."""
    chance = random.Random(7)
    whole = zipped({MEMBER: XML * 20, "out/readme.txt": b"x"})
    for _ in range(1_500):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            found = read(
                bytes(content[: chance.choice([len(content), chance.randrange(1, len(content))])]), merchant
            )
        except QuarantineError:
            continue
        assert list(found.values()) == [XML * 20]
