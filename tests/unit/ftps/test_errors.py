"""Each error of libcurl and each reply becomes what Airflow must do, in words that say what to change."""

from __future__ import annotations

import pycurl
import pytest

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps.errors import ChangedError, CurlError, FileGoneError, RaggedEndError, Reply, feed_error

PLACE = "FTPS connection 'shop_ftps' (ftps.example.com)"
PASSIVE, SENDING = "227 Passive (127,0,0,1,1,1)", "150 Here it comes"


def failed(name: str, text: str = "", *replies: str) -> CurlError:
    return CurlError(getattr(pycurl, f"E_{name}"), text, [Reply(int(reply[:3]), reply) for reply in replies])


ERRORS: list[tuple[CurlError, type[FeedError], str, str]] = [
    (
        failed("OPERATION_TIMEDOUT", "", "421 Shutting down"),
        RetryError,
        "server_busy",
        "421 Shutting down",
    ),
    (failed("QUOTE_ERROR", "", "450 File busy"), RetryError, "server_busy", "450 File busy"),
    (failed("QUOTE_ERROR", "", "502 What?"), FailError, "refused", "ask who runs the server"),
    (
        failed("FTP_COULDNT_RETR_FILE", "", "425 Unable to build data connection"),
        RetryError,
        "no_data_connection",
        "does not take up the TLS session",
    ),
    (
        failed("UPLOAD_FAILED", "", "452 No space"),
        RetryError,
        "server_busy",
        "disk is full: ask for room",
    ),
    (failed("REMOTE_DISK_FULL", "", "552 Quota"), FailError, "refused", "quota of this user"),
    (failed("QUOTE_ERROR", "", "550 No rights"), FailError, "refused", "the rights of this user"),
    (
        failed("LOGIN_DENIED", "", "530 Login incorrect."),
        FailError,
        "login_refused",
        "login and password",
    ),
    (failed("LOGIN_DENIED", "", "530 Too many connections"), RetryError, "server_busy", "is full"),
    (failed("LOGIN_DENIED", "", "332 Account?"), FailError, "no_login", "a user that needs none"),
    (
        failed("LOGIN_DENIED", "", "500 OOPS: cannot change directory"),
        FailError,
        "no_login",
        "account",
    ),
    (failed("LOGIN_DENIED", "", "550 No home"), FailError, "no_login", "550 No home"),
    (failed("FTP_COULDNT_RETR_FILE", "", "522 Reuse!"), RetryError, "session_refused", "'max_tls'"),
    (failed("USE_SSL_FAILED", "", "220 Hi", "500 What?"), FailError, "no_tls", "offers no TLS"),
    (
        failed("USE_SSL_FAILED", "", "230 In", "504 No."),
        FailError,
        "no_tls",
        "never sent in the clear",
    ),
    (failed("COULDNT_CONNECT", "refused", PASSIVE), RetryError, "no_data_connection", "passive ports"),
    (failed("OPERATION_TIMEDOUT", "", PASSIVE), RetryError, "no_data_connection", "passive ports"),
    (failed("FTP_ACCEPT_TIMEOUT", "", SENDING), RetryError, "no_data_connection", "'passive' to true"),
    (failed("COULDNT_CONNECT", "refused"), RetryError, "no_listener", "'port'"),
    (failed("COULDNT_RESOLVE_HOST"), RetryError, "unknown_host", "'host'"),
    (failed("OPERATION_TIMEDOUT", "too slow", SENDING), RetryError, "too_slow", "'min_rate'"),
    (
        failed("OPERATION_TIMEDOUT", "response reading failed"),
        RetryError,
        "no_greeting",
        "tls to 'implicit'",
    ),
    (failed("FTP_WEIRD_SERVER_REPLY", "SSH-2.0"), RetryError, "no_greeting", "'port'"),
    (failed("PEER_FAILED_VERIFICATION", "has expired"), FailError, "certificate_refused", "renewed"),
    (
        failed("PEER_FAILED_VERIFICATION", "no subject name"),
        FailError,
        "certificate_refused",
        "'host'",
    ),
    (failed("PEER_FAILED_VERIFICATION", "self-signed"), FailError, "certificate_refused", "'ca_file'"),
    (failed("RECV_ERROR", "alert protocol version"), FailError, "tls_refused", "'max_tls'"),
    (failed("RECV_ERROR", "alert certificate required"), FailError, "tls_refused", "'cert_file'"),
    (failed("RECV_ERROR", "alert unknown ca"), FailError, "tls_refused", "'cert_file'"),
    (failed("SEND_ERROR", "reset", "234 AUTH"), RetryError, "connection_lost", "'cert_file'"),
    (failed("RECV_ERROR", "reset by peer"), RetryError, "connection_lost", "reset by peer"),
    (failed("SSL_CERTPROBLEM"), ConfigurationError, "no_cert_file", "'key_password'"),
    (failed("SSL_CACERT_BADFILE"), ConfigurationError, "no_ca_file", "'ca_file'"),
    (
        failed("RECV_ERROR", "unexpected eof", SENDING),
        RaggedEndError,
        "no_close_notify",
        "close_notify",
    ),
    (failed("FILESIZE_EXCEEDED"), FailError, "too_much", "'max_listing_mb'"),
    (failed("WRITE_ERROR"), FailError, "too_much", "'max_reply_kb'"),
    (failed("QUOTE_ERROR", "", "332 Account?"), FailError, "refused", "a user that needs none"),
    (
        failed("SSL_CONNECT_ERROR", "wrong version number"),
        FailError,
        "wrong_tls_mode",
        "tls to 'explicit'",
    ),
]


@pytest.mark.parametrize(("found", "kind", "code", "words"), ERRORS)
def test_each_error_says_what_to_do(found: CurlError, kind: type[FeedError], code: str, words: str) -> None:
    error = feed_error(PLACE, found)
    assert (type(error), error.code) == (kind, code)
    assert str(error).startswith(PLACE + ": ")
    assert words in str(error)


def test_a_long_reply_is_one_short_line() -> None:
    text = str(Reply(550, "550-" + "many\nlines " * 100))
    assert "\n" not in text
    assert len(text) <= 200
    assert str(Reply(550, "550 \x1b[2J\x9b\u202e")) == r"550 \x1b[2J\x9b\u202e"


@pytest.mark.parametrize(
    ("found", "is_of_the_file"),
    [
        (failed("REMOTE_FILE_NOT_FOUND", "", PASSIVE, "550 Closed"), True),
        (failed("FTP_WEIRD_PASV_REPLY", "", PASSIVE, "550 Closed"), True),
        (failed("FTP_WEIRD_PASV_REPLY", "", "550 No passive mode"), False),
        (failed("LOGIN_DENIED", "", "550 No home"), False),
        (failed("USE_SSL_FAILED", "", "550 No PROT"), False),
        (failed("FTP_COULDNT_RETR_FILE", "", PASSIVE, "530 Not logged in"), False),
    ],
)
def test_only_the_reply_to_its_own_retr_is_of_the_file(found: CurlError, is_of_the_file: bool) -> None:
    assert found.is_of_the_file is is_of_the_file


def test_what_can_be_fetched_later_is_worth_another_try_and_what_is_gone_is_not() -> None:
    assert issubclass(ChangedError, RetryError)
    assert issubclass(RaggedEndError, RetryError)
    assert not issubclass(FileGoneError, RetryError)
