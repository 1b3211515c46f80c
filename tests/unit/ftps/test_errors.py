"""Each fault of libcurl and each reply becomes what Airflow must do, in words that say what to change."""

from __future__ import annotations

import pycurl
import pytest

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps.errors import ChangedError, CurlFault, FileGoneError, RaggedEndError, Reply, sorted_fault

PLACE = "FTPS connection 'shop_ftps' (ftps.example.com)"
PASSIVE, SENDING = "227 Passive (127,0,0,1,1,1)", "150 Here it comes"


def fault(number: int, said: str = "", *replies: str) -> CurlFault:
    return CurlFault(number, said, [Reply(int(reply[:3]), reply) for reply in replies])


FAULTS: list[tuple[CurlFault, type[FeedError], str, str]] = [
    (
        fault(pycurl.E_OPERATION_TIMEDOUT, "", "421 Shutting down"),
        RetryError,
        "server_busy",
        "421 Shutting down",
    ),
    (fault(pycurl.E_QUOTE_ERROR, "", "450 File busy"), RetryError, "server_busy", "450 File busy"),
    (fault(pycurl.E_UPLOAD_FAILED, "", "452 No space"), RetryError, "server_busy", "ask for room"),
    (fault(pycurl.E_REMOTE_DISK_FULL, "", "552 Quota"), FailError, "refused", "ask for room"),
    (fault(pycurl.E_QUOTE_ERROR, "", "550 No rights"), FailError, "refused", "the rights of this user"),
    (
        fault(pycurl.E_LOGIN_DENIED, "", "530 Login incorrect."),
        FailError,
        "login_refused",
        "login and password",
    ),
    (fault(pycurl.E_LOGIN_DENIED, "", "530 Too many connections"), RetryError, "server_busy", "is full"),
    (fault(pycurl.E_LOGIN_DENIED, "", "332 Account?"), FailError, "no_login", "a user that needs none"),
    (fault(pycurl.E_LOGIN_DENIED, "", "500 OOPS: cannot change directory"), FailError, "no_login", "account"),
    (fault(pycurl.E_LOGIN_DENIED, "", "550 No home"), FailError, "no_login", "550 No home"),
    (fault(pycurl.E_FTP_COULDNT_RETR_FILE, "", "522 Reuse!"), RetryError, "session_refused", "'max_tls'"),
    (fault(pycurl.E_USE_SSL_FAILED, "", "220 Hi", "500 What?"), FailError, "no_tls", "offers no TLS"),
    (fault(pycurl.E_USE_SSL_FAILED, "", "230 In", "504 No."), FailError, "no_tls", "never sent in the clear"),
    (fault(pycurl.E_COULDNT_CONNECT, "refused", PASSIVE), RetryError, "no_data_connection", "passive ports"),
    (fault(pycurl.E_OPERATION_TIMEDOUT, "", PASSIVE), RetryError, "no_data_connection", "passive ports"),
    (fault(pycurl.E_FTP_ACCEPT_TIMEOUT, "", SENDING), RetryError, "no_data_connection", "'passive' to true"),
    (fault(pycurl.E_COULDNT_CONNECT, "refused"), RetryError, "no_listener", "'port'"),
    (fault(pycurl.E_COULDNT_RESOLVE_HOST), RetryError, "unknown_host", "'host'"),
    (fault(pycurl.E_OPERATION_TIMEDOUT, "too slow", SENDING), RetryError, "too_slow", "'min_rate'"),
    (
        fault(pycurl.E_OPERATION_TIMEDOUT, "response reading failed"),
        RetryError,
        "timeout",
        "tls to 'implicit'",
    ),
    (fault(pycurl.E_FTP_WEIRD_SERVER_REPLY, "SSH-2.0"), RetryError, "no_greeting", "'port'"),
    (fault(pycurl.E_PEER_FAILED_VERIFICATION, "has expired"), FailError, "certificate_refused", "renewed"),
    (fault(pycurl.E_PEER_FAILED_VERIFICATION, "no subject name"), FailError, "certificate_refused", "'host'"),
    (fault(pycurl.E_PEER_FAILED_VERIFICATION, "self-signed"), FailError, "certificate_refused", "'ca_file'"),
    (fault(pycurl.E_RECV_ERROR, "alert protocol version"), FailError, "tls_refused", "'max_tls'"),
    (fault(pycurl.E_RECV_ERROR, "alert certificate required"), FailError, "tls_refused", "'cert_file'"),
    (fault(pycurl.E_RECV_ERROR, "alert unknown ca"), FailError, "tls_refused", "'cert_file'"),
    (fault(pycurl.E_SEND_ERROR, "reset", "234 AUTH"), RetryError, "connection_lost", "'cert_file'"),
    (fault(pycurl.E_RECV_ERROR, "reset by peer"), RetryError, "connection_lost", "reset by peer"),
    (fault(pycurl.E_SSL_CERTPROBLEM), ConfigurationError, "no_cert_file", "'key_password'"),
    (fault(pycurl.E_SSL_CACERT_BADFILE), ConfigurationError, "no_ca_file", "'ca_file'"),
    (
        fault(pycurl.E_RECV_ERROR, "unexpected eof", SENDING),
        RaggedEndError,
        "no_close_notify",
        "close_notify",
    ),
    (CurlFault(pycurl.E_WRITE_ERROR, "", [], "data"), FailError, "too_much", "'max_listing_mb'"),
    (CurlFault(pycurl.E_WRITE_ERROR, "", [], "replies"), FailError, "too_much", "'max_reply_kb'"),
]


@pytest.mark.parametrize(("found", "kind", "code", "words"), FAULTS)
def test_each_fault_says_what_to_do(found: CurlFault, kind: type[FeedError], code: str, words: str) -> None:
    error = sorted_fault(PLACE, found, is_implicit=False)
    assert (type(error), error.code) == (kind, code)
    assert str(error).startswith(PLACE + ": ")
    assert words in str(error)


def test_a_long_reply_is_one_short_line() -> None:
    said = str(Reply(550, "550-" + "many\nlines " * 100))
    assert "\n" not in said
    assert len(said) <= 200


@pytest.mark.parametrize(
    ("found", "is_of_the_file"),
    [
        (fault(pycurl.E_REMOTE_FILE_NOT_FOUND, "", PASSIVE, "550 Closed"), True),
        (fault(pycurl.E_FTP_WEIRD_PASV_REPLY, "", PASSIVE, "550 Closed"), True),
        (fault(pycurl.E_FTP_WEIRD_PASV_REPLY, "", "550 No passive mode"), False),
        (fault(pycurl.E_LOGIN_DENIED, "", "550 No home"), False),
        (fault(pycurl.E_USE_SSL_FAILED, "", "550 No PROT"), False),
        (fault(pycurl.E_FTP_COULDNT_RETR_FILE, "", PASSIVE, "530 Not logged in"), False),
    ],
)
def test_only_the_reply_to_its_own_retr_is_of_the_file(found: CurlFault, is_of_the_file: bool) -> None:
    assert found.is_of_the_file is is_of_the_file


def test_what_can_be_fetched_later_is_worth_another_try_and_what_is_gone_is_not() -> None:
    assert issubclass(ChangedError, RetryError)
    assert issubclass(RaggedEndError, RetryError)
    assert not issubclass(FileGoneError, RetryError)
