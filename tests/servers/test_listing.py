"""Listing and sensing: every name, size and time as on the server, and no silence about what is left out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from erp_feeds.errors import FailError
from erp_feeds.ftps import Entry, FtpsHook
from erp_feeds.inbox import listing
from erp_feeds.interfaces import interfaces_of
from servers.endpoint import Endpoint
from servers.share import PLACED, Share
from support.merchants import merchant_of

Connect = Callable[..., str]
NAMES = ("plain.zip", "two  blanks.zip", "ünïcødé €.zip", "semi;colon=.zip", "-dash.zip")
LATIN_1 = "caf\xe9.zip"


@pytest.mark.column("list")
def test_list_tells_every_name_size_and_time(connect: Connect, endpoint: Endpoint, share: Share) -> None:
    for size, name in enumerate(NAMES):
        share.place(name, b"x" * size)
    (share.folder / "folder").mkdir()
    (share.folder / "empty").mkdir()
    with FtpsHook(connect()) as client:
        found = {entry.name: entry for entry in client.listing(share.path).entries}
        assert found.keys() == {*NAMES, "folder", "empty"}
        for size, name in enumerate(NAMES):
            assert client.stat(f"{share.path}/{name}") == (size, f"{PLACED:%Y%m%d%H%M%S}"), name
            certain = Entry(name, size, PLACED, is_folder=False)
            assert found[name] == certain or not found[name].is_certain(), name
        assert found["folder"].is_folder
        assert client.listing(f"{share.path}/empty").entries == ()
        assert client.listing(f"{share.path}/missing").form == ""
        assert client.listing(share.path.replace("/", "\\") + "\\").entries


@pytest.mark.column("list")
def test_list_survives_a_name_in_another_encoding(connect: Connect, endpoint: Endpoint, share: Share) -> None:
    share.place("ünïcødé.zip")
    share.place(LATIN_1.encode("latin-1"), b"coffee")
    with FtpsHook(connect()) as client:
        found = {entry.name: entry.size for entry in client.listing(share.path).entries}
        if endpoint.server.name == "pyftpdlib":  # it replaces what it cannot decode, and so loses the name
            assert found == {"ünïcødé.zip": 7, "caf?.zip": 6}
            return
        assert found == {"ünïcødé.zip": 7, LATIN_1: 6}
        assert b"".join(client.fetch(f"{share.path}/{LATIN_1}")) == b"coffee"


@pytest.mark.column("large")
def test_large_folder_is_listed_whole_or_said_to_be_cut(
    connect: Connect, endpoint: Endpoint, many: Path
) -> None:
    with FtpsHook(connect()) as client:
        listing = client.listing(f"{endpoint.prefix}/{many.name}")
    names = len(list(many.iterdir()))
    if endpoint.server.name == "pure-ftpd":
        assert listing.truncated
        assert len(listing.entries) < names
    else:
        assert (len(listing.entries), listing.truncated) == (names, False)


@pytest.mark.column("sense")
def test_sense_finds_what_an_erp_party_placed(connect: Connect, endpoint: Endpoint, share: Share) -> None:
    merchant = merchant_of(
        shop_name="Test_Shop",
        ftps={"connection": connect(), "root": share.path.replace("/", "\\") + "\\"},
    )

    def look(client: FtpsHook) -> list[tuple[str, int]]:
        seen, _ = listing.with_exact_times(
            client, listing.list_files(client, merchant, interfaces_of(merchant)).remote_files
        )
        assert all(abs(each.modified - PLACED) < timedelta(seconds=1) for each in seen)
        return [(each.name, each.size) for each in seen]

    with FtpsHook(merchant.ftps.connection) as client:
        assert look(client) == []  # an ERP party that has not exported anything yet
        share.make("srs")
        assert look(client) == []
        share.make("ErpCache")
        for name in ("Test_Shop_SRS_Customers_10.zip", "Test_Shop_SRS_Customers_9.zip"):
            share.place(posixpath.join("srs", name), b"x" * 100)
        share.place("srs/Test_Shop_SRS_Customers_11.zip.part")
        share.place("srs/Other_SRS_Customers_1.zip")
        share.place("ErpCache/Test_Shop_ErpCache_Customers_2.xml", b"")
        assert look(client) == [
            ("Test_Shop_ErpCache_Customers_2.xml", 0),
            ("Test_Shop_SRS_Customers_9.zip", 100),
            ("Test_Shop_SRS_Customers_10.zip", 100),
        ]
        share.place("srs/Test_Shop_SRS_Customers_9.zip", b"x" * 101)
        assert look(client)[1] == ("Test_Shop_SRS_Customers_9.zip", 101)
    absent = merchant.model_copy(
        update={"ftps": merchant.ftps.model_copy(update={"root": f"{share.path}/absent"})}
    )
    with FtpsHook(merchant.ftps.connection) as client, pytest.raises(FailError, match=r"correct ftps\.root"):
        listing.list_files(client, absent, interfaces_of(absent))
