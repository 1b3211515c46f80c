"""A transfer is complete when every byte of one and the same file came."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import transfer as transfers
from erp_feeds.ftps.connection import Extras
from erp_feeds.ftps.errors import ChangedError
from erp_feeds.ftps.transfer import NOTHING_KNOWN, Stamp, Transfer

STAMP: Stamp = (5, "20170105115326")


@pytest.fixture
def transfer() -> Transfer:
    """A transfer that has begun."""
    begun = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    begun.expect(STAMP)
    return begun


def test_it_is_complete_with_the_last_byte(transfer: Transfer) -> None:
    transfer.take(b"hel")
    with pytest.raises(RetryError, match=r"/srs/a.zip: 3 of 5 bytes came") as short:
        transfer.finish(STAMP)
    assert not isinstance(short.value, ChangedError)
    assert not transfer.complete
    transfer.take(b"lo")
    transfer.finish(STAMP)
    assert transfer.complete


@pytest.mark.parametrize("stamp", [(6, STAMP[1]), (5, "20170105115327"), (0, STAMP[1]), (None, STAMP[1])])
def test_a_file_that_changed_is_not_taken(transfer: Transfer, stamp: Stamp) -> None:
    transfer.take(b"hello")
    for check in (transfer.expect, transfer.finish):
        with pytest.raises(ChangedError, match=r"/srs/a.zip changed while it was fetched"):
            check(stamp)
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


@pytest.mark.parametrize("stamp", [NOTHING_KNOWN, (None, "20170105115326")])
def test_without_size_the_end_of_the_data_is_the_end(stamp: Stamp) -> None:
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    transfer.expect(stamp)
    transfer.take(b"hello")
    transfer.finish(stamp)
    assert transfer.complete


@pytest.mark.parametrize(
    ("stamp", "knows_rest", "resumes"),
    [
        (STAMP, True, True),
        (STAMP, False, False),
        ((5, None), True, False),
        ((None, "20170105115326"), True, False),
        (NOTHING_KNOWN, True, False),
    ],
)
def test_only_the_same_file_is_resumed(stamp: Stamp, knows_rest: bool, resumes: bool) -> None:
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras(), knows_rest=knows_rest)
    assert not transfer.can_resume()
    transfer.expect(stamp)
    assert transfer.can_resume() is resumes


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@given(
    content=st.binary(max_size=200),
    cut=st.integers(0, 200),
    sizes=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_beginning_anew_yields_just_what_is_missing(content: bytes, cut: int, sizes: tuple[int, int]) -> None:
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    for block in blocks(content[:cut], sizes[0]):
        transfer.take(block)
    rest = []
    for block in transfer.beyond(blocks(content, sizes[1])):
        transfer.take(block)
        rest.append(block)
    assert content[:cut] + b"".join(rest) == content
    assert transfer.received == len(content)


@given(content=st.binary(min_size=2, max_size=200), data=st.data())
def test_beginning_anew_never_goes_on_with_another_file(content: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(content)))
    other = data.draw(st.binary(max_size=200).filter(lambda each: not each.startswith(content[:cut])))
    transfer = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras())
    transfer.take(content[:cut])
    handed_on: list[bytes] = []
    with pytest.raises(ChangedError):
        handed_on.extend(transfer.beyond(blocks(other, data.draw(st.integers(1, 70)))))
    assert handed_on == []


def test_a_long_transfer_tells_how_far_it_is(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        transfer.take(b"he")
        assert not caplog.messages
        monkeypatch.setattr(transfers, "PROGRESS_EVERY", 0.0)
        transfer.take(b"l")
    assert "/srs/a.zip" in caplog.text
    assert "60%" in caplog.text


def test_more_than_the_server_said_is_another_file_and_more_than_allowed_is_refused(
    transfer: Transfer,
) -> None:
    assert (transfer.limit, type(transfer.too_long())) == (5, ChangedError)
    unsized = Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras(max_file_mb=1))
    unsized.expect(NOTHING_KNOWN)
    assert unsized.limit == 1_000_000
    assert unsized.too_long().code == "too_large"
    with pytest.raises(FailError, match="'max_file_mb'"):
        Transfer("/srs/a.zip", logging.getLogger("transfer"), Extras(max_file_mb=1)).expect((1_000_001, None))


def test_all_of_it_must_come_in_the_time_that_its_size_allows() -> None:
    transfer = Transfer(
        "/srs/a.zip", logging.getLogger("transfer"), Extras(operation_timeout=10, min_rate=100)
    )
    transfer.expect((1_000, None))
    assert 15 < transfer.seconds_left() <= 20
