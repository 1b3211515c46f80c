"""Servers that know less, list otherwise or end TLS never: every file comes whole, or none is taken."""

from __future__ import annotations

import os
import random
import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from erp_feeds import tasks
from erp_feeds.demo.exports import Export
from erp_feeds.errors import RetryError
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import scan
from erp_feeds.interfaces import INTERFACES
from support import odd_servers
from support.cutting_proxy import CuttingProxy, Fault
from support.ftps_fixtures import RunningFtps, names
from support.shop_fixtures import Shop
from support.srs_exports import customers, person

Connect = Callable[..., str]
Change = Callable[[RunningFtps], object]
CONTENT = random.Random(1).randbytes(700_000)
SIZE, MODIFY = re.compile(rb"size=\d+;"), re.compile(rb"modify=\d+;")

KINDS: dict[str, Change] = {
    "no MLSD": lambda ftps: odd_servers.without(ftps.server, "MLSD"),
    "no SIZE": lambda ftps: odd_servers.without(ftps.server, "SIZE"),
    "no MDTM": lambda ftps: odd_servers.without(ftps.server, "MDTM"),
    "no MLSD, SIZE, MDTM, REST": lambda ftps: odd_servers.without(
        ftps.server, "MLSD", "SIZE", "MDTM", "REST"
    ),
    "no size in MLSD": lambda ftps: odd_servers.lists(ftps.server, lambda said: SIZE.sub(b"", said)),
    "no time in MLSD": lambda ftps: odd_servers.lists(ftps.server, lambda said: MODIFY.sub(b"", said)),
    "no time anywhere": lambda ftps: (
        odd_servers.without(ftps.server, "MDTM"),
        odd_servers.lists(ftps.server, lambda said: MODIFY.sub(b"", said)),
    ),
    "DOS listing": lambda ftps: odd_servers.lists_in_dos_form(ftps.server),
    "no end of TLS": lambda ftps: odd_servers.ends_no_tls(ftps.server),
    "no end of TLS, no MLSD": lambda ftps: (
        odd_servers.ends_no_tls(ftps.server),
        odd_servers.without(ftps.server, "MLSD"),
    ),
}


UNENDED = {"close_notify": False}


def set_up(kind: str, ftps: RunningFtps, ftps_connection: Connect) -> None:
    """Make the server one of the kind, and its connection what such a server needs."""
    KINDS[kind](ftps)
    ftps_connection(extra=UNENDED if "no end of TLS" in kind else {})


def scanned(shop: Shop) -> scan.InboxScan:
    with FtpsHook(shop.merchant.ftps.connection) as hook:
        return scan.scan(hook, shop.store, shop.merchant)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_server_hands_out_everything_once(
    shop: Shop, ftps: RunningFtps, ftps_connection: Connect, kind: str
) -> None:
    set_up(kind, ftps, ftps_connection)
    exports = [customers("20170101", person("1")), customers("20170102", person("2", name="é"))]
    shop.place(*exports)
    batch = tasks.download(shop.merchant, shop.sense("run"))
    archived = {file.name: Path(file.archived.removeprefix("file://")).read_bytes() for file in batch.files}
    assert archived == {export.name: export.content for export in exports}
    for _ in range(2):
        found = scanned(shop)
        assert (found.registered, found.uploading) == ((), 0)
        assert {remote_file.name for remote_file in found.known} == archived.keys()


@pytest.mark.parametrize("kind", ["no MLSD", "DOS listing", "no end of TLS"])
def test_every_kind_of_server_shows_a_replacement_of_another_size_or_time(
    shop: Shop, ftps: RunningFtps, ftps_connection: Connect, kind: str
) -> None:
    set_up(kind, ftps, ftps_connection)
    first = customers("20170101", person("1"))
    shop.place(first)
    shop.run_tasks("run")
    shop.place(
        Export(first.interface, first.name, first.day, customers("20170101", person("2")).content), minute=1
    )
    (file,) = shop.run_tasks("next run").files
    assert file.counts.warnings == {"new_revision": 1, "no_email": 1}


def with_cuts(ftps: RunningFtps, *faults: Fault) -> CuttingProxy:
    """A proxy whose first data connections meet these faults."""
    due = list(faults)
    return CuttingProxy(ftps.server, lambda _: due.pop(0) if due else None)


@pytest.mark.parametrize("missing", [("REST",), ("MDTM",), ("SIZE",), ("SIZE", "MDTM", "REST")], ids="-".join)
def test_without_proof_that_it_is_the_same_file_only_a_fetch_from_the_start_brings_it(
    ftps: RunningFtps, ftps_connection: Connect, missing: tuple[str, ...]
) -> None:
    odd_servers.without(ftps.server, *missing)
    (ftps.root / "x.zip").write_bytes(CONTENT)
    with with_cuts(ftps, Fault("data", "fin", 300_000)) as proxy:
        connection = ftps_connection(port=proxy.port, extra={"timeout": 0.5})
        with FtpsHook(connection, back_off=0.01) as hook:
            with pytest.raises(RetryError):
                list(hook.fetch("/x.zip"))
            assert b"".join(hook.fetch("/x.zip")) == CONTENT


@pytest.mark.parametrize(
    "other", [b"y" + CONTENT[1:], CONTENT[:200_000], b""], ids=["other bytes", "shorter", "empty"]
)
def test_two_files_are_never_spliced_when_the_server_tells_neither_size_nor_time(
    ftps: RunningFtps, ftps_connection: Connect, other: bytes
) -> None:
    odd_servers.without(ftps.server, "SIZE", "MDTM")
    file = ftps.root / "x.zip"
    file.write_bytes(CONTENT)
    with with_cuts(ftps, Fault("data", "fin", 300_000)) as proxy:
        connection = ftps_connection(port=proxy.port, extra={"timeout": 0.5})
        with FtpsHook(connection, back_off=0.01) as hook:
            blocks = hook.fetch("/x.zip")
            next(blocks)
            file.with_suffix(".part").write_bytes(other)
            file.with_suffix(".part").rename(file)
            with pytest.raises(RetryError):
                b"".join(blocks)
            assert b"".join(hook.fetch("/x.zip")) == other


@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_a_server_that_never_ends_tls_is_believed_when_the_size_is_right(
    ftps: RunningFtps, ftps_connection: Connect, size: int
) -> None:
    odd_servers.ends_no_tls(ftps.server)
    (ftps.root / "x.zip").write_bytes(CONTENT[:size])
    with FtpsHook(ftps_connection(extra=UNENDED)) as hook:
        assert b"".join(hook.fetch("/x.zip")) == CONTENT[:size]


@pytest.mark.parametrize("abrupt", [True, False], ids=["no end of TLS", "proper end"])
def test_a_short_transfer_called_complete_goes_on(
    ftps: RunningFtps, ftps_connection: Connect, abrupt: bool
) -> None:
    if abrupt:
        odd_servers.ends_no_tls(ftps.server)
    short = odd_servers.serves_short(ftps.server, 100_000, times=3)
    (ftps.root / "x.zip").write_bytes(CONTENT)
    with FtpsHook(ftps_connection(), back_off=0.01) as hook:
        assert b"".join(hook.fetch("/x.zip")) == CONTENT
    assert len(short) == 3


def test_a_short_transfer_that_never_gets_further_is_refused(
    ftps: RunningFtps, ftps_connection: Connect
) -> None:
    odd_servers.serves_short(ftps.server, 0, times=100)
    (ftps.root / "x.zip").write_bytes(CONTENT)
    with (
        pytest.raises(RetryError, match="0 of 700000 bytes"),
        FtpsHook(ftps_connection(), 2, 0.01) as hook,
    ):
        b"".join(hook.fetch("/x.zip"))


def test_without_size_and_end_of_tls_nothing_is_taken(ftps: RunningFtps, ftps_connection: Connect) -> None:
    odd_servers.ends_no_tls(ftps.server)
    odd_servers.without(ftps.server, "SIZE")
    (ftps.root / "x.zip").write_bytes(CONTENT)
    with (
        pytest.raises(RetryError, match=r"testshop_ftps.*/x\.zip: the data ended without the end of TLS"),
        FtpsHook(ftps_connection(), 2, 0.01) as hook,
    ):
        b"".join(hook.fetch("/x.zip"))


@pytest.mark.parametrize("command", ["MLSD", "LIST"])
def test_a_listing_without_the_end_of_tls_is_refused_unless_the_connection_says_otherwise(
    ftps: RunningFtps, ftps_connection: Connect, command: str
) -> None:
    placed = [f"TestShop_SRS_Customers_{number}.zip" for number in range(300)]
    for name in placed:
        (ftps.root / name).write_bytes(b"x")
    if command == "LIST":
        odd_servers.without(ftps.server, "MLSD")
    odd_servers.ends_no_tls(ftps.server)
    with pytest.raises(RetryError, match="'close_notify' to false"), FtpsHook(ftps_connection()) as hook:
        hook.listing("/")
    connection = ftps_connection(extra=UNENDED)
    with FtpsHook(connection) as hook:
        assert sorted(names(hook)) == sorted(placed)
    odd_servers.lists(ftps.server, lambda said: said[:1000])
    with pytest.raises(RetryError, match="the listing was cut"), FtpsHook(connection) as hook:
        hook.listing("/")


def test_a_listing_cut_again_and_again_at_any_place_of_its_first_record_is_never_believed(
    ftps: RunningFtps, ftps_connection: Connect
) -> None:
    for number in range(60):
        (ftps.root / f"TestShop_SRS_Customers_{number}.zip").write_bytes(b"x")
    with CuttingProxy(ftps.server, lambda chance: Fault("data", "fin", chance.randrange(1, 6_000))) as proxy:
        connection = ftps_connection(port=proxy.port)
        for _ in range(20):
            with pytest.raises(RetryError), FtpsHook(connection) as hook:
                hook.listing("/")
    assert proxy.happened == {"fin in data": 20}


@pytest.mark.parametrize("where", ["data", "record"])
def test_a_listing_through_cuts_is_whole_or_refused(
    ftps: RunningFtps, ftps_connection: Connect, where: str
) -> None:
    placed = {f"TestShop_SRS_Customers_{number}.zip" for number in range(500)}
    for name in placed:
        (ftps.root / name).write_bytes(b"x")
    chance = random.Random(7)

    def choose(_: random.Random) -> Fault | None:
        return Fault(where, "fin", chance.randrange(200, 60_000)) if chance.random() < 0.7 else None

    outcomes = []
    with CuttingProxy(ftps.server, choose) as proxy:
        connection = ftps_connection(port=proxy.port, extra={"timeout": 0.25})
        for _ in range(25):
            try:
                with FtpsHook(connection) as hook:
                    assert set(names(hook)) == placed
                outcomes.append("whole")
            except RetryError:
                outcomes.append("refused")
    assert set(outcomes) == {"whole", "refused"}
    assert proxy.happened.total() > 10


@pytest.mark.parametrize("form", ["MLSD", "LIST"])
def test_100_000_entries_are_listed(ftps: RunningFtps, ftps_connection: Connect, form: str) -> None:
    expected = [f"TestShop_SRS_Customers_{number:06}.zip" for number in range(100_000)]
    facts = {
        "MLSD": "modify=20170105115326;size=12;type=file; {}\r\n",
        "LIST": "-rw-r--r--    1 1000     1000           12 Jan 05  2017 {}\r\n",
    }
    said = "".join(facts[form].format(name) for name in expected).encode()
    if form == "LIST":
        odd_servers.without(ftps.server, "MLSD")
    odd_servers.lists(ftps.server, lambda _: said)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with FtpsHook(ftps_connection(extra={"timeout": 30})) as hook:
        listing = hook.listing("/")
    assert [entry.name for entry in listing.entries] == expected
    assert listing.unreadable == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024  # KiB


@pytest.mark.parametrize("form", ["MLSD", "LIST"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_shop_names_in_any_encoding_and_with_spaces_load(
    shop: Shop, ftps: RunningFtps, form: str, encoding: str
) -> None:
    ftps.server.handler.unicode_errors = "surrogateescape"
    if form == "LIST":
        odd_servers.without(ftps.server, "MLSD")
    shop.merchant = shop.merchant.model_copy(update={"shop_name": "Café  Noir"})
    folder = shop.inbox / INTERFACES["srs_customers"].folder
    folder.mkdir()
    path = os.fsencode(folder) + "/Café  Noir_SRS_Customers_20170101.xml".encode(encoding)
    xml = b"<Export><Customers><Customer><CustomerNumber>1</CustomerNumber></Customer></Customers></Export>"
    Path(os.fsdecode(path)).write_bytes(xml)
    (file,) = shop.run_tasks("run").files
    assert (file.name, file.counts.loaded) == ("Café  Noir_SRS_Customers_20170101.xml", 1)
