"""Each fault of ftplib, TLS and sockets becomes what Airflow must do, in words that say what to change."""

from __future__ import annotations

import ftplib
import socket
import ssl

import pytest

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.ftps.errors import (
    ChangedError,
    FileGoneError,
    RaggedEndError,
    code_of,
    sorted_faults,
)

PLACE = "FTPS connection 'shop_ftps' (ftps.example.com)"


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] it says")
    error.reason = reason
    return error


def refused(code: int, words: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, words
    return error


def sorted_as(fault: BaseException) -> FeedError:
    with pytest.raises(FeedError) as caught, sorted_faults(PLACE):
        raise fault
    return caught.value


FAULTS: list[tuple[BaseException, type[FeedError], str, str]] = [
    (ftplib.error_temp("421 Shutting down"), RetryError, "server_busy", "421 Shutting down"),
    (ftplib.error_temp("450 File busy"), RetryError, "server_busy", "450 File busy"),
    (ftplib.error_perm("530 Login incorrect."), FailError, "login_refused", "correct login and password"),
    (ftplib.error_perm("530 Sorry, the maximum number"), RetryError, "server_busy", "is full"),
    (ftplib.error_perm("530 Too many connections"), RetryError, "server_busy", "is full"),
    (ftplib.error_perm("522 SSL connection failed"), RetryError, "session_refused", "'max_tls'"),
    (ftplib.error_perm("425 session reuse required"), RetryError, "session_refused", "'max_tls'"),
    (ftplib.error_perm("534 No protection"), FailError, "no_tls", "never sent in the clear"),
    (ftplib.error_perm("536 No protection"), FailError, "no_tls", "never sent in the clear"),
    (ftplib.error_perm("550 No rights"), FailError, "refused", "550 No rights"),
    (ftplib.error_reply("150 what?"), RetryError, "connection_lost", "150 what?"),
    (ftplib.error_proto("SSH-2.0-OpenSSH"), RetryError, "connection_lost", "SSH-2.0-OpenSSH"),
    (refused(10, "certificate has expired"), FailError, "certificate_refused", "renewed"),
    (refused(9, "certificate is not yet valid"), FailError, "certificate_refused", "clock"),
    (refused(62, "Hostname mismatch"), FailError, "certificate_refused", "'host'"),
    (refused(64, "IP address mismatch"), FailError, "certificate_refused", "'host'"),
    (refused(19, "self-signed certificate in chain"), FailError, "certificate_refused", "'ca_file'"),
    (tls("TLSV1_ALERT_PROTOCOL_VERSION"), FailError, "tls_refused", "'max_tls'"),
    (tls("UNSUPPORTED_PROTOCOL"), FailError, "tls_refused", "TLS 1.2"),
    (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), FailError, "tls_refused", "'cert_file'"),
    (tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), FailError, "tls_refused", "'cert_file'"),
    (tls("TLSV1_ALERT_UNKNOWN_CA"), FailError, "tls_refused", "'cert_file'"),
    (tls("SSLV3_ALERT_BAD_CERTIFICATE"), FailError, "tls_refused", "'cert_file'"),
    (tls("SSLV3_ALERT_CERTIFICATE_EXPIRED"), FailError, "tls_refused", "renew"),
    (tls("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), RetryError, "connection_lost", "BAD_RECORD_MAC"),
    (ssl.SSLEOFError(8, "EOF"), RetryError, "connection_lost", "TLS connection broke"),
    (UnicodeEncodeError("cp1252", "ж", 0, 1, "no such sign"), FailError, "wrong_encoding", "'encoding'"),
    (UnicodeError("label empty or too long"), FailError, "invalid_host", "'host'"),
    (socket.gaierror(-2, "Name or service not known"), RetryError, "unknown_host", "'host'"),
    (ConnectionRefusedError(111, "refused"), RetryError, "no_listener", "'port'"),
    (TimeoutError("timed out"), RetryError, "timeout", "no answer in time"),
    (ConnectionResetError(104, "reset by peer"), RetryError, "connection_lost", "reset by peer"),
    (EOFError(), RetryError, "connection_lost", "EOFError"),
    (RaggedEndError("it may be cut", "ragged_end"), RaggedEndError, "ragged_end", "it may be cut"),
]


@pytest.mark.parametrize(("fault", "kind", "code", "words"), FAULTS)
def test_each_fault_says_what_to_do(
    fault: BaseException, kind: type[FeedError], code: str, words: str
) -> None:
    error = sorted_as(fault)
    assert (type(error), error.code) == (kind, code)
    assert str(error).startswith(PLACE + ": ")
    assert words in str(error)


@pytest.mark.parametrize(
    "fault",
    [ChangedError("changed", "changed"), FileGoneError("gone", "vanished"), ValueError("of the software")],
)
def test_what_is_sorted_already_and_faults_of_the_software_pass(fault: Exception) -> None:
    with pytest.raises(type(fault)) as caught, sorted_faults(PLACE):
        raise fault
    assert caught.value is fault


def test_a_long_reply_is_one_short_line() -> None:
    said = str(sorted_as(ftplib.error_perm("550-" + "many\nlines " * 100)))
    assert "\n" not in said
    assert len(said) < 300


def test_the_code_of_a_reply() -> None:
    assert code_of(ftplib.error_perm("550 no such file")) == "550"


def test_what_can_be_fetched_later_is_worth_another_try_and_what_is_gone_is_not() -> None:
    assert issubclass(ChangedError, RetryError)
    assert issubclass(RaggedEndError, RetryError)
    assert not issubclass(FileGoneError, RetryError)
