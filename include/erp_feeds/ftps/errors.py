"""What libcurl and servers report, and what Airflow and people must do about it: one table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pycurl

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError, visible

UNAVAILABLE = 550
_PASSIVE = (227, 229)
_OF_THE_FILE = (450, 451, 501, 550, 551, 553)
"""Replies to RETR that are about the file: locked, damaged, no right. Others are about the server."""


@dataclass(frozen=True)
class Reply:
    """What a server answers to a command."""

    code: int
    text: str
    """All of it, the code included."""

    def __str__(self) -> str:
        return _one_line(self.text)

    @property
    def is_refusal(self) -> bool:
        """Whether the server does not do what it was asked for; 332 asks for an account first."""
        return self.code >= 400 or self.code == 332

    @property
    def value(self) -> str:
        """What follows the code; empty where the server refuses."""
        return self.text[3:].strip() if self.code < 300 else ""


@dataclass
class CurlError(Exception):
    """An operation of libcurl that failed."""

    number: int
    text: str
    replies: list[Reply] = field(default_factory=list)

    @property
    def last(self) -> Reply:
        """The server's latest reply; of code 0 where it never sent one."""
        return self.replies[-1] if self.replies else Reply(0, "")

    @property
    def is_ragged_end(self) -> bool:
        """Whether the data of a transfer ended without the end of TLS."""
        return _RAGGED_END.matches(self)

    @property
    def is_of_the_file(self) -> bool:
        """Whether the server refused the very file that was asked for, by its reply to RETR."""
        refused = self.number in {pycurl.E_REMOTE_FILE_NOT_FOUND, pycurl.E_FTP_COULDNT_RETR_FILE}
        # libcurl may take the reply to the command behind PASV for that of PASV.
        is_passive = any(reply.code in _PASSIVE for reply in self.replies[:-1])
        behind_passive = self.number == pycurl.E_FTP_WEIRD_PASV_REPLY and is_passive
        return (refused or behind_passive) and self.last.code in _OF_THE_FILE


class FileGoneError(FailError):
    """The file is no longer on the server; the next scan decides what to do."""


class FileRefusedError(FailError):
    """The server lists the file and refuses to hand it out."""


class FolderRefusedError(FailError):
    """The folder is there, and this user may not list it."""


class ChangedError(RetryError):
    """What came so far is worth nothing: only a fetch from the start, later, can help."""


class RaggedEndError(RetryError):
    """The data ended without the end of TLS: a cut, or a server that never ends it."""


@dataclass(frozen=True)
class Rule:
    """One row of the table: which errors it is for, and what they become."""

    numbers: tuple[int, ...]
    """libcurl's error numbers; empty for all."""
    reply: str
    """Pattern at the start of the server's latest reply, which is empty where it never sent one."""
    text: str
    """Pattern anywhere in libcurl's text, where OpenSSL's reasons stand."""
    kind: type[FeedError]
    code: str
    message: str
    """What is wrong, and what to change; {reply} and {text} are filled in."""

    def matches(self, error: CurlError) -> bool:
        """Return whether the row is for an error."""
        return (
            (not self.numbers or error.number in self.numbers)
            and re.match(self.reply, str(error.last), re.IGNORECASE) is not None
            and re.search(self.text, error.text, re.IGNORECASE) is not None
        )


_BY_REPLY = (
    pycurl.E_QUOTE_ERROR,
    pycurl.E_REMOTE_ACCESS_DENIED,
    pycurl.E_REMOTE_FILE_NOT_FOUND,
    pycurl.E_FTP_COULDNT_RETR_FILE,
    pycurl.E_FTP_COULDNT_SET_TYPE,
    pycurl.E_FTP_WEIRD_PASV_REPLY,
    pycurl.E_FTP_WEIRD_227_FORMAT,
    pycurl.E_FTP_PORT_FAILED,
    pycurl.E_UPLOAD_FAILED,
    pycurl.E_PARTIAL_FILE,
    pycurl.E_REMOTE_DISK_FULL,
)
"""Errors that are no more than the server's latest reply."""
_LOGIN = (pycurl.E_LOGIN_DENIED,)
_CONNECT, _TIMEOUT = pycurl.E_COULDNT_CONNECT, pycurl.E_OPERATION_TIMEDOUT
_ACTIVE = (pycurl.E_FTP_ACCEPT_FAILED, pycurl.E_FTP_ACCEPT_TIMEOUT)
_VERIFY = (pycurl.E_PEER_FAILED_VERIFICATION,)
_SAYS = "the server says '{reply}'"
_OPERATOR = "where it stays, ask who runs the server"
_ERROR = "the server answers with an error: '{reply}'"
_CERTIFICATE = "the server's certificate is refused ({text})"
_TLS = "TLS with the server fails ({text})"
_CLIENT_FILES = "the client certificate cannot be used: correct 'cert_file', 'key_file', 'key_password'"
_PASSIVE_PORTS = (
    "no data connection: the server's passive ports are closed on the way: ask for them to be opened, "
    "or set the extra 'passive' to false"
)
_RAGGED_END = Rule(
    (pycurl.E_RECV_ERROR,), "1", "unexpected eof", RaggedEndError, "no_close_notify",
    "the data ended without the end of TLS, so that it may be cut; if this server never ends TLS, "
    "set the extra 'close_notify' to false",
)  # fmt: skip

# fmt: off
RULES = (
    # Limits of ours.
    _RAGGED_END,
    Rule((pycurl.E_FILESIZE_EXCEEDED,), "", "", FailError, "too_much",
         "the listing is larger than the extra 'max_listing_mb' allows: let ftps.after_load clear it"),
    Rule((pycurl.E_WRITE_ERROR,), "", "", FailError, "too_much",
         "the server's reply is longer than the extra 'max_reply_kb' allows"),
    # The way to the server.
    Rule((pycurl.E_COULDNT_RESOLVE_HOST,), "", "", RetryError, "unknown_host",
         "the host name is not known here: is 'host' right?"),
    Rule((_CONNECT, _TIMEOUT), "22[79]", "", RetryError, "no_data_connection", _PASSIVE_PORTS),
    Rule(_ACTIVE, "", "", RetryError, "no_data_connection",
         "no data connection: it cannot connect back to this machine: set the extra 'passive' to true"),
    Rule((_CONNECT,), "", "", RetryError, "no_listener",
         "nothing answers there ({text}): is 'port' right, and the way to it open?"),
    # libcurl waits behind it.
    Rule((*_BY_REPLY, _TIMEOUT), "332", "", FailError, "refused",
         f"{_ERROR}: it also wants an account: ask for a user that needs none"),
    Rule((_TIMEOUT,), "421", "", RetryError, "server_busy", _SAYS),
    Rule((_TIMEOUT,), "", "too slow", RetryError, "too_slow", "slower than the extra 'min_rate' ({text})"),
    Rule((_TIMEOUT,), "$", "", RetryError, "no_greeting",
         "no greeting in time ({text}): is 'port' right, and the way to it open? Where TLS is implicit, set "
         "the extra tls to 'implicit'"),
    Rule((_TIMEOUT,), "", "", RetryError, "timeout", "no answer in time ({text})"),
    Rule((pycurl.E_FTP_WEIRD_SERVER_REPLY,), "4", "", RetryError, "server_busy", _SAYS),
    Rule((pycurl.E_FTP_WEIRD_SERVER_REPLY,), "", "", RetryError, "no_greeting",
         "that is no FTP server's greeting ('{reply}', {text}): is 'port' right?"),
    # Login.
    Rule(_LOGIN, "530.*(maximum|too many)", "", RetryError, "server_busy", "the server is full ('{reply}')"),
    Rule(_LOGIN, "530", "", FailError, "login_refused",
         "login refused ('{reply}'): correct login and password of the connection"),
    Rule(_LOGIN, "4", "", RetryError, "server_busy", f"{_SAYS}: {_OPERATOR}"),
    Rule(_LOGIN, "332", "", FailError, "no_login",
         f"no login, {_SAYS}: it also wants an account: ask for a user that needs none"),
    Rule(_LOGIN, "", "", FailError, "no_login",
         f"no login, {_SAYS}: ask for this user's account to be set right"),
    # TLS.
    Rule((pycurl.E_USE_SSL_FAILED,), "", "", FailError, "no_tls",
         "the server offers no TLS for it ('{reply}'), and passwords and data are never sent in the clear: "
         "ask for FTPS there (AUTH TLS and PROT P)"),
    Rule((pycurl.E_SSL_CONNECT_ERROR,), "$", "wrong version number|record layer failure|packet length",
         FailError, "wrong_tls_mode",
         "no TLS there from the start: set the extra tls to 'explicit', or correct the port"),
    Rule((pycurl.E_SSL_CERTPROBLEM,), "", "", ConfigurationError, "no_cert_file", _CLIENT_FILES),
    Rule((), "", "private key|client certificate", ConfigurationError, "no_cert_file", _CLIENT_FILES),
    Rule((pycurl.E_SSL_CACERT_BADFILE,), "", "", ConfigurationError, "no_ca_file",
         "no certificate in PEM form in the file of authorities: correct the extra 'ca_file'"),
    Rule(_VERIFY, "", "expired|not yet valid", FailError, "certificate_refused",
         f"{_CERTIFICATE}: ask for a renewed one there, or set the clock of this machine"),
    Rule(_VERIFY, "", "subject name|does not match", FailError, "certificate_refused",
         f"{_CERTIFICATE}: set 'host' of the connection to a name that the certificate holds"),
    Rule(_VERIFY, "", "", FailError, "certificate_refused",
         f"{_CERTIFICATE}: name its authority in the extra 'ca_file' of the connection"),
    # Replies.
    Rule(_BY_REPLY, "522|.*session reuse", "", RetryError, "session_refused",
         "the data connection's TLS session was refused ('{reply}'): see the extra 'max_tls'"),
    Rule(_BY_REPLY, "452", "", RetryError, "server_busy", f"{_SAYS}: its disk is full: ask for room there"),
    Rule(_BY_REPLY, "425", "", RetryError, "no_data_connection",
         f"no data connection, {_SAYS}: its passive ports may be closed on the way (extra 'passive'), or it "
         "does not take up the TLS session (extra 'max_tls')"),
    Rule(_BY_REPLY, "[34]", "", RetryError, "server_busy", f"{_SAYS}: {_OPERATOR}"),
    Rule(_BY_REPLY, "550", "", FailError, "refused",
         f"{_ERROR}: correct the path, or the rights of this user there"),
    Rule(_BY_REPLY, "552", "", FailError, "refused",
         f"{_ERROR}: the quota of this user is used up: ask for room there"),
    Rule(_BY_REPLY, "553", "", FailError, "refused", f"{_ERROR}: it does not allow this name"),
    Rule(_BY_REPLY, "5", "", FailError, "refused", f"{_ERROR}: {_OPERATOR}"),
    # Alerts of TLS that come at any time; trying again does not help.
    Rule((), "", "alert protocol version|unsupported protocol", FailError, "tls_refused",
         f"{_TLS}: no common version of TLS: see the extra 'max_tls', or ask for TLS 1.2 there"),
    Rule((), "", "certificate required|handshake failure", FailError, "tls_refused",
         f"{_TLS}: it may want a client certificate: set the extra 'cert_file'"),
    Rule((), "", "unknown ca|bad certificate|certificate expired", FailError, "tls_refused",
         f"{_TLS}: it rejects our client certificate: correct the extra 'cert_file'"),
    # A server that resets the connection at once overtakes the alert by which it says why.
    Rule((), "234", "", RetryError, "connection_lost",
         "the connection broke ({text}, after '{reply}'): where it happens again and again, the server may "
         "want another client certificate: see 'cert_file'"),
    Rule((), "", "", RetryError, "connection_lost", "the connection broke ({text}, after '{reply}')"),
)
"""The first row that matches an error decides."""
# fmt: on


def feed_error(place: str, error: CurlError) -> FeedError:
    """Return what Airflow must do about an error of libcurl.

    Args:
        place: Names the server and the path.
        error: What libcurl reports.
    """
    rule = next(rule for rule in RULES if rule.matches(error))
    message = rule.message.format(reply=error.last, text=_one_line(error.text))
    return rule.kind(f"{place}: {message}", rule.code)


def _one_line(text: str) -> str:
    """Return what a server says as logs, alerts and terminals may show it."""
    return visible(" ".join(text.split())[:200])
