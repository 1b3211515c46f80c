"""Listings of several servers become the same entries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from erp_feeds.transport.listing import Entry, decoded, from_list, from_mlsd, is_temporary

NOW = datetime(2017, 1, 10, 12, tzinfo=UTC)


def test_mlsd() -> None:
    lines = [
        "modify=20170105115326.123;perm=r;size=12;type=file; with space.zip",
        "Type=dir;Modify=20170101000000; srs",
        "type=cdir;modify=20170101000000; .",
        "type=pdir;modify=20170101000000; ..",
        "type=file; unknown.zip",
        "type=file;size=1;modify=20170101000000; ../escape.zip",
        "",
    ]
    assert list(from_mlsd(lines)) == [
        Entry("with space.zip", 12, datetime(2017, 1, 5, 11, 53, 26, tzinfo=UTC), is_folder=False),
        Entry("srs", None, datetime(2017, 1, 1, tzinfo=UTC), is_folder=True),
        Entry("unknown.zip", None, None, is_folder=False),
    ]


def test_unix_list() -> None:
    lines = [
        "total 12",
        "-rw-r--r--    1 1000     1000           12 Jan 05 11:53 with space.zip",
        "-rw-r--r--+   1 erp      users  3000000000 Dec 31 23:59 last.zip",
        "drwxr-xr-x    2 1000     1000         4096 Feb  3  2015 srs",
        "lrwxrwxrwx    1 1000     1000           10 Jan 05 11:53 link.zip -> there.zip",
    ]
    found = {entry.name: entry for entry in from_list(lines, NOW)}
    assert list(found) == ["with space.zip", "last.zip", "srs", "link.zip"]
    assert found["with space.zip"].modified == datetime(2017, 1, 5, 11, 53, tzinfo=UTC)
    assert (found["last.zip"].size, found["last.zip"].modified) == (
        3_000_000_000,
        datetime(2016, 12, 31, 23, 59, tzinfo=UTC),
    )
    assert found["srs"].is_folder
    assert found["link.zip"].size is None
    assert not any(entry.is_certain() for entry in found.values())


def test_one_odd_name_does_not_hide_the_others() -> None:
    assert decoded("é.zip".encode(), "utf-8") == decoded("é.zip".encode("cp1252"), "utf-8") == "é.zip"
    assert decoded(b"\x81\xff.zip", "utf-8").endswith("ÿ.zip")


@pytest.mark.parametrize("name", ["a.zip.tmp", "a.zip.PART", "a.zip.filepart", ".a.zip"])
def test_temporary_names(name: str) -> None:
    assert is_temporary(name)
    assert not is_temporary("a.zip")
