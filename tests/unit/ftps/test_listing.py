"""Listings of several servers become the same entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from erp_feeds.ftps.listing import (
    Entry,
    decoded,
    from_list,
    from_mlsd,
    is_refusal,
    is_temporary,
    is_truncation,
)


def test_mlsd() -> None:
    lines = [
        "modify=20170105115326.123;perm=r;size=12;type=file; with space.zip",
        "Type=dir;Modify=20170101000000; srs",
        "type=cdir;modify=20170101000000; .",
        "type=pdir;modify=20170101000000; ..",
        "type=file; unknown.zip",
        "type=file;size=1;modify=20170101000000; ../escape.zip",
        "what is this",
        "",
    ]
    listing = from_mlsd(lines)
    assert listing.entries == (
        Entry("with space.zip", 12, datetime(2017, 1, 5, 11, 53, 26, tzinfo=UTC), is_folder=False),
        Entry("srs", None, datetime(2017, 1, 1, tzinfo=UTC), is_folder=True),
        Entry("unknown.zip", None, None, is_folder=False),
        Entry("is this", None, None, is_folder=False),
    )
    assert (listing.form, listing.unreadable) == ("MLSD", 1)


def test_what_a_server_without_a_clock_lists_stays_the_same_text() -> None:
    """The ledger knows a file by it: another text would make the file a new one."""
    (entry,) = from_list(["-rw-r--r--    1 1000     1000           12 Jan 01  1970 a.zip"]).entries
    assert entry.listed == "1970-01-01T14:00"


def test_unix_list() -> None:
    lines = [
        "total 12",
        "-rw-r--r--    1 1000     1000           12 Jan 05  2017 with space.zip",
        "-rw-r--r--+   1 erp      users  3000000000 Dec 31  2016 last.zip",
        "-rw-r--r--.   1 erp               12 Feb 29  2016 no group.zip",
        "drwxr-xr-x    2 1000     1000         4096 Feb  3  2015 srs",
        "lrwxrwxrwx    1 1000     1000           10 Jan 05  2017 link.zip -> there.zip",
        "-rw-r--r--    1 1000     1000            1 Jan 05  2017 ../escape.zip",
        "so says nobody",
    ]
    listing = from_list(lines)
    found = {entry.name: entry for entry in listing.entries}
    assert list(found) == ["with space.zip", "last.zip", "no group.zip", "srs", "link.zip"]
    assert found["with space.zip"].modified == datetime(2017, 1, 5, tzinfo=UTC)
    assert found["with space.zip"].listed == "2017-01-05"
    assert (found["last.zip"].size, found["last.zip"].listed) == (3_000_000_000, "2016-12-31")
    assert found["no group.zip"].listed == "2016-02-29"
    assert found["srs"].is_folder
    assert found["link.zip"].size is None
    assert not any(entry.is_certain() for entry in found.values())
    assert (listing.form, listing.unreadable) == ("LIST (Unix)", 1)


@pytest.mark.parametrize("hours", [-12, -1, 0, 1, 13])
def test_unix_clock_is_of_the_latest_year_that_a_server_of_any_zone_can_mean(hours: int) -> None:
    local = (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)
    (entry,) = from_list([f"-rw-r--r-- 1 a b 12 {local:%b %d %H:%M} a.zip"]).entries
    assert entry.modified == local
    assert entry.listed == f"{local:%Y-%m-%dT%H:%M}"


def test_unix_clock_of_half_a_year_ago_is_of_the_past() -> None:
    local = (datetime.now(UTC) - timedelta(days=170)).replace(second=0, microsecond=0)
    (entry,) = from_list([f"-rw-r--r-- 1 a b 12 {local:%b %d %H:%M} a.zip"]).entries
    assert entry.modified == local


def test_dos_list() -> None:
    lines = [
        "01-05-17  11:53AM       <DIR>          srs",
        "01-05-2017  12:00AM                 12 with space.zip",
        "12-31-16  12:59PM         3000000000 last.zip",
        "31-12-16  12:59PM                  1 no such month.zip",
    ]
    listing = from_list(lines)
    assert listing.entries == (
        Entry("srs", None, datetime(2017, 1, 5, 11, 53, tzinfo=UTC), True, "2017-01-05T11:53"),
        Entry("with space.zip", 12, datetime(2017, 1, 5, tzinfo=UTC), False, "2017-01-05T00:00"),
        Entry(
            "last.zip", 3_000_000_000, datetime(2016, 12, 31, 12, 59, tzinfo=UTC), False, "2016-12-31T12:59"
        ),
    )
    assert (listing.form, listing.unreadable) == ("LIST (DOS)", 1)


def test_an_empty_folder_has_no_entries() -> None:
    assert from_list(["total 0", ""]).entries == from_mlsd([""]).entries == ()


@pytest.mark.parametrize(
    "reply", ["226-Options: -l \n226 Output truncated to 10000 matches", "226 Listing TRUNCATED."]
)
def test_the_closing_reply_tells_what_was_left_out(reply: str) -> None:
    assert is_truncation(reply)
    assert not is_truncation("226-Options: -l \n226 9999 matches total")


def test_one_odd_name_does_not_hide_the_others() -> None:
    assert decoded("é.zip".encode(), "utf-8") == decoded("é.zip".encode("cp1252"), "utf-8") == "é.zip"
    assert decoded(b"\x81\xff.zip", "utf-8").endswith("ÿ.zip")


@pytest.mark.parametrize("name", ["a.zip.tmp", "a.zip.PART", "a.zip.filepart", ".a.zip"])
def test_temporary_names(name: str) -> None:
    assert is_temporary(name)
    assert not is_temporary("a.zip")


def test_names_may_begin_with_spaces_and_hold_arrows() -> None:
    unix = from_list(
        [
            "-rw-r--r-- 1 a b 12 Jan 05  2017  leading.zip",
            "-rw-r--r-- 1 a b 12 Jan 05  2017 a -> b.zip",
            "lrwxrwxrwx 1 a b 12 Jan 05  2017 link.zip -> there.zip",
        ]
    )
    assert [entry.name for entry in unix.entries] == [" leading.zip", "a -> b.zip", "link.zip"]
    (dos,) = from_list(["01-05-17  11:53AM                   12  leading -> x.zip"]).entries
    assert dos.name == " leading -> x.zip"


def test_a_size_that_is_none_is_counted_and_hides_no_other_line() -> None:
    lines = [f"size={size};type=file; a.zip" for size in ("\u00b2", "1" + "0" * 20, "-1", "5")]
    assert [entry.size for entry in from_mlsd(lines).entries] == [5]
    assert from_mlsd(lines).unreadable == 3


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ("226 Transfer done (but failed to open directory).", True),
        ("226 Could not open directory.", True),
        ("226 srs: Operation not permitted", True),
        ("550 Access is denied.", True),
        ("226-Options: -a -l\n226 0 matches total", False),
        ("550 Failed to change directory.", False),
    ],
)
def test_a_reply_that_says_that_a_folder_could_not_be_read_is_a_refusal(reply: str, refused: bool) -> None:
    assert is_refusal(reply) is refused
