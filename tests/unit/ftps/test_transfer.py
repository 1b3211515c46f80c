"""A transfer is complete when every byte of one and the same file came."""

from __future__ import annotations

import logging

import pycurl
import pytest

from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import transfer as transfers
from erp_feeds.ftps.connection import Extras
from erp_feeds.ftps.errors import ChangedError, CurlError, Reply
from erp_feeds.ftps.session import NOTHING_KNOWN, FileStat
from erp_feeds.ftps.transfer import Transfer

FILE_STAT: FileStat = (5, "20170105115326")


@pytest.fixture
def transfer() -> Transfer:
    """A transfer that has begun."""
    begun = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    begun.expect(FILE_STAT)
    return begun


def test_it_is_complete_with_the_last_byte(transfer: Transfer) -> None:
    transfer.take(b"hel")
    with pytest.raises(RetryError, match=r"/srs/a.zip: 3 of 5 bytes came") as short:
        transfer.finish(FILE_STAT)
    assert not isinstance(short.value, ChangedError)
    assert not transfer.complete
    transfer.take(b"lo")
    transfer.finish(FILE_STAT)
    assert transfer.complete


@pytest.mark.parametrize(
    "stat", [(6, FILE_STAT[1]), (5, "20170105115327"), (0, FILE_STAT[1]), (None, FILE_STAT[1])]
)
def test_a_file_that_changed_is_not_taken(transfer: Transfer, stat: FileStat) -> None:
    transfer.take(b"hello")
    for check in (transfer.expect, transfer.finish):
        with pytest.raises(ChangedError, match=r"/srs/a.zip changed while it was fetched"):
            check(stat)
    assert not transfer.complete


def test_a_file_taken_away_behind_its_last_byte_is_whole(transfer: Transfer) -> None:
    transfer.take(b"hello")
    transfer.finish(NOTHING_KNOWN)
    assert transfer.complete


def test_a_file_taken_away_before_its_last_byte_is_not(transfer: Transfer) -> None:
    transfer.take(b"hell")
    with pytest.raises(RetryError):
        transfer.finish(NOTHING_KNOWN)
    with pytest.raises(ChangedError):
        transfer.expect(NOTHING_KNOWN)


@pytest.mark.parametrize("stat", [NOTHING_KNOWN, (None, "20170105115326")])
def test_without_size_the_end_of_the_data_is_the_end(stat: FileStat) -> None:
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    transfer.expect(stat)
    transfer.take(b"hello")
    transfer.finish(stat)
    assert transfer.complete


@pytest.mark.parametrize(
    ("stat", "resumes"),
    [(FILE_STAT, True), ((5, None), False), ((None, FILE_STAT[1]), False), (NOTHING_KNOWN, False)],
)
def test_only_what_is_proved_to_be_the_same_file_goes_on(stat: FileStat, resumes: bool) -> None:
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    transfer.expect(stat)
    assert transfer.can_go_on()  # nothing came yet
    transfer.take(b"hel")
    assert transfer.can_go_on() is resumes


def test_a_server_that_refuses_rest_is_asked_for_all_of_it_later(transfer: Transfer) -> None:
    refused = CurlError(pycurl.E_QUOTE_ERROR, "", [Reply(502, "502 What?")])
    assert transfer.error_of(refused) is None
    transfer.take(b"hel")
    assert isinstance(transfer.error_of(refused), RetryError)
    assert not transfer.can_go_on()


def test_a_long_transfer_tells_how_far_it_is(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        transfer.take(b"he")
        assert not caplog.messages
        monkeypatch.setattr(transfers, "PROGRESS_SECONDS", 0.0)
        transfer.take(b"l")
    assert "/srs/a.zip" in caplog.text
    assert "60%" in caplog.text


def test_more_than_the_server_said_is_another_file_and_more_than_allowed_is_refused(
    transfer: Transfer,
) -> None:
    too_long = CurlError(pycurl.E_FILESIZE_EXCEEDED, "")
    assert (transfer.limit, type(transfer.error_of(too_long))) == (5, ChangedError)
    unsized = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras(max_file_mb=1))
    unsized.expect(NOTHING_KNOWN)
    assert unsized.limit == 1_000_000
    error = unsized.error_of(too_long)
    assert error
    assert error.code == "too_large"
    with pytest.raises(FailError, match="'max_file_mb'"):
        Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras(max_file_mb=1)).expect((1_000_001, None))


def test_all_of_it_must_come_in_the_time_that_its_size_allows() -> None:
    transfer = Transfer(
        "/srs/a.zip", logging.getLogger("transfer"), Extras(operation_timeout=10, min_rate=100)
    )
    transfer.expect((1_000, None))
    assert 15 < transfer.seconds_left() <= 20
