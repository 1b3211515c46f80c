"""What libcurl and servers refuse, sorted by what Airflow must do, in words that say what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pycurl

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError

UNAVAILABLE = 550
UNKNOWN_COMMAND = (500, 501, 502, 504)
_OF_THE_FILE = (550, 551, 553)
"""Replies to RETR that are about the file; any other is about the session or the server."""
_LOGIN_REFUSED = 530
_SESSION_REUSE = 522
_CLOSING = 421
_PASSIVE = (227, 229)
_FULL = ("maximum", "too many")
"""Words by which a server says that it is only full, though with the code of a wrong login."""
_NOT_TLS = ("wrong version number", "record layer failure", "packet length too long")
"""What OpenSSL finds where plain text comes."""
_RAGGED_END = "unexpected eof"

_CLIENT_FILES = ("private key", "client certificate")
_TLS_HELP = {
    "protocol version": "it wants another version of TLS: see the extra 'max_tls', or ask for TLS 1.2 there",
    "unsupported protocol": "it offers only versions of TLS that are broken: ask for TLS 1.2 there",
    "certificate required": "it wants a client certificate: set the extra 'cert_file'",
    "handshake failure": "no common way to encrypt, or it wants a client certificate (extra 'cert_file')",
    "unknown ca": "it does not know the authority of our client certificate: correct the extra 'cert_file'",
    "bad certificate": "it rejects our client certificate: correct the extra 'cert_file'",
    "certificate expired": "our client certificate has expired: renew the extra 'cert_file'",
}
"""Parts of OpenSSL's reasons that trying again cannot mend, and what to change."""
_CERTIFICATE_HELP = {
    "expired": "ask for a renewed one there, or set the clock of this machine",
    "not yet valid": "ask for a renewed one there, or set the clock of this machine",
    "subject name": "set 'host' of the connection to a name that the certificate holds",
    "does not match": "set 'host' of the connection to a name that the certificate holds",
}
_UNKNOWN_AUTHORITY_HELP = "name its authority in the extra 'ca_file' of the connection"
_REPLY_HELP = {
    332: "it wants an account beside login and password: ask for a user that needs none",
    452: "its disk is full: ask for room there",
    550: "correct the path, or the rights of this user there",
    552: "the quota of this user is used up: ask for room there",
    553: "it does not allow this name",
}
"""What to change where a server gives one of these replies."""
_PASSIVE_HELP = (
    "its passive ports are closed on the way: ask for them to be opened, or set the extra 'passive' to false"
)
_ACTIVE_HELP = "it cannot connect back to this machine: set the extra 'passive' to true"
_CLOSE_NOTIFY_HELP = (
    "the data ended without the end of TLS, so that it may be cut; "
    "if this server never ends TLS, set the extra 'close_notify' to false"
)
_NO_CERTIFICATE_HELP = (
    ": where it happens again and again, the server may want another client certificate: see 'cert_file'"
)
_LIMITS = {
    "replies": "the server's reply is longer than the extra 'max_reply_kb' allows",
    "data": "the listing is larger than the extra 'max_listing_mb' allows: let ftps.after_load clear it",
}


@dataclass(frozen=True)
class Reply:
    """What a server answers to a command."""

    code: int
    text: str
    """All of it, the code included."""

    def __str__(self) -> str:
        return " ".join(self.text.split())[:200]


@dataclass
class CurlFault(Exception):  # noqa: N818 - sorted into errors below
    """What libcurl says of an operation that failed."""

    number: int
    said: str
    replies: list[Reply] = field(default_factory=list)
    limit: str = ""
    """The limit that the server has passed: replies, data."""

    @property
    def last(self) -> Reply:
        """The server's latest reply; of code 0 where it never said anything."""
        return self.replies[-1] if self.replies else Reply(0, "")

    @property
    def is_ragged_end(self) -> bool:
        """Whether the data of a transfer ended without the end of TLS."""
        return self.number == pycurl.E_RECV_ERROR and _RAGGED_END in self.said and 100 <= self.last.code < 200

    @property
    def is_of_the_file(self) -> bool:
        """Whether the server refused the very file that was asked for, by its reply to RETR."""
        refused = self.number in {pycurl.E_REMOTE_FILE_NOT_FOUND, pycurl.E_FTP_COULDNT_RETR_FILE}
        return (refused or self.is_behind_passive) and self.last.code in _OF_THE_FILE

    @property
    def is_behind_passive(self) -> bool:
        """Whether libcurl takes the reply to the command behind PASV for that of PASV."""
        agreed = any(reply.code in _PASSIVE for reply in self.replies[:-1])
        return self.number == pycurl.E_FTP_WEIRD_PASV_REPLY and agreed

    @property
    def is_unknown_command(self) -> bool:
        """Whether the server does not know the command."""
        return self.last.code in UNKNOWN_COMMAND


class FileGoneError(FailError):
    """The file is no longer on the server; the next scan settles what to do."""


class FileRefusedError(FailError):
    """The server lists the file and refuses to hand it out."""


class ClosedFolderError(FailError):
    """The folder is there, and closed to this user."""


class ChangedError(RetryError):
    """What came so far is worth nothing: only a fetch from the start, later, can help."""


class RaggedEndError(RetryError):
    """The data ended without the end of TLS: a cut, or a server that never ends it."""


def sorted_fault(place: str, fault: CurlFault, *, is_implicit: bool) -> FeedError:
    """Return what Airflow must do about a fault.

    Args:
        place: Names the server and the path.
        fault: What libcurl says.
        is_implicit: Whether the connection expects TLS from the first byte.
    """
    if fault.limit:
        return FailError(f"{place}: {_LIMITS[fault.limit]}", "too_much")
    if fault.is_ragged_end:
        return RaggedEndError(f"{place}: {_CLOSE_NOTIFY_HELP}", "no_close_notify")
    if fault.number in _SORTERS:
        return _SORTERS[fault.number](place, fault, is_implicit)
    if fault.number in _BY_REPLY and fault.last.code >= 300:
        return _of_reply(place, fault.last)
    return _of_tls_alert(place, fault)


def _of_reply(place: str, reply: Reply) -> FeedError:
    help_ = f": {_REPLY_HELP[reply.code]}" if reply.code in _REPLY_HELP else ""
    if reply.code == _SESSION_REUSE or "session reuse" in str(reply).lower():
        message = (
            f"{place}: the data connection's TLS session was refused ('{reply}'): see the extra 'max_tls'"
        )
        return RetryError(message, "session_refused")
    if reply.code < 500 and reply.code != 332:
        return RetryError(f"{place}: the server says '{reply}'{help_}", "server_busy")
    return FailError(f"{place}: the server answers with an error: '{reply}'{help_}", "refused")


def _of_login(place: str, fault: CurlFault, _: bool) -> FeedError:
    reply = fault.last
    if reply.code == _LOGIN_REFUSED and any(word in str(reply).lower() for word in _FULL):
        return RetryError(f"{place}: the server is full ('{reply}')", "server_busy")
    if reply.code == _LOGIN_REFUSED:
        message = f"{place}: login refused ('{reply}'): correct login and password of the connection"
        return FailError(message, "login_refused")
    if 400 <= reply.code < 500:
        return _of_reply(place, reply)
    help_ = _REPLY_HELP.get(332, "") if reply.code == 332 else "ask for this user's account to be set right"
    return FailError(f"{place}: no login, the server says '{reply}': {help_}", "no_login")


def _of_protection(place: str, fault: CurlFault, _: bool) -> FeedError:
    # AUTH is asked before the login, PROT after it.
    if any(reply.code in {230, 232} for reply in fault.replies):
        message = (
            f"{place}: the server refuses to encrypt data ('{fault.last}'), and it is never sent in the clear"
        )
    else:
        message = (
            f"{place}: the server offers no TLS ('{fault.last}'), and plain FTP is never used: ask for FTPS"
        )
    return FailError(message, "no_tls")


def _of_connecting(place: str, fault: CurlFault, _: bool) -> FeedError:
    if fault.last.code in _PASSIVE:
        return RetryError(f"{place}: the data connection is refused: {_PASSIVE_HELP}", "no_data_connection")
    message = (
        f"{place}: nothing answers there ({_short(fault.said)}): is 'port' right, and the way to it open?"
    )
    return RetryError(message, "no_listener")


def _of_waiting(place: str, fault: CurlFault, is_implicit: bool) -> FeedError:
    if fault.last.code == _CLOSING:
        return _of_reply(place, fault.last)
    if fault.last.code in _PASSIVE:
        return RetryError(f"{place}: no data connection in time: {_PASSIVE_HELP}", "no_data_connection")
    if "too slow" in fault.said:
        return RetryError(f"{place}: slower than the extra 'min_rate' ({_short(fault.said)})", "too_slow")
    if not (fault.replies or is_implicit) and ("response" in fault.said or "Operation" in fault.said):
        message = f"{place}: no greeting in time; where TLS is implicit, set the extra tls to 'implicit'"
        return RetryError(message, "timeout")
    return RetryError(f"{place}: no answer in time ({_short(fault.said)})", "timeout")


def _of_greeting(place: str, fault: CurlFault, _: bool) -> FeedError:
    if 400 <= fault.last.code < 500:
        return _of_reply(place, fault.last)
    said = str(fault.last) or _short(fault.said)
    return RetryError(
        f"{place}: that is no FTP server's greeting ('{said}'): is 'port' right?", "no_greeting"
    )


def _of_handshake(place: str, fault: CurlFault, is_implicit: bool) -> FeedError:
    if is_implicit and not fault.replies and any(sign in fault.said.lower() for sign in _NOT_TLS):
        message = (
            f"{place}: no TLS there from the start: set the extra tls to 'explicit', or correct the port"
        )
        return FailError(message, "wrong_tls_mode")
    return _of_tls_alert(place, fault)


def _of_tls_alert(place: str, fault: CurlFault) -> FeedError:
    said = fault.said.lower()
    if any(part in said for part in _CLIENT_FILES):
        return _of_client_files(place)
    for part, help_ in _TLS_HELP.items():
        if part in said:
            return FailError(f"{place}: TLS with the server fails ({part}): {help_}", "tls_refused")
    reason = _short(fault.said) + (f", after '{fault.last}'" if fault.replies else "")
    # A server that resets the connection at once overtakes the alert by which it says why.
    help_ = _NO_CERTIFICATE_HELP if fault.last.code == 234 else ""
    return RetryError(f"{place}: the connection broke ({reason}){help_}", "connection_lost")


def _of_certificate(place: str, fault: CurlFault, _: bool) -> FeedError:
    said = fault.said.lower()
    help_ = next(
        (help_ for part, help_ in _CERTIFICATE_HELP.items() if part in said), _UNKNOWN_AUTHORITY_HELP
    )
    message = f"{place}: the server's certificate is refused ({_short(fault.said)}): {help_}"
    return FailError(message, "certificate_refused")


def _of_client_files(place: str, *_: object) -> FeedError:
    message = (
        f"{place}: the client certificate cannot be used: correct 'cert_file', 'key_file', 'key_password'"
    )
    return ConfigurationError(message, "no_cert_file")


def _of_ca_file(place: str, *_: object) -> FeedError:
    message = f"{place}: no certificate in PEM form in the file of authorities: correct the extra 'ca_file'"
    return ConfigurationError(message, "no_ca_file")


def _of_host(place: str, *_: object) -> FeedError:
    return RetryError(f"{place}: the host name is not known here: is 'host' right?", "unknown_host")


def _of_active_mode(place: str, *_: object) -> FeedError:
    return RetryError(f"{place}: no data connection: {_ACTIVE_HELP}", "no_data_connection")


def _short(said: str) -> str:
    return " ".join(said.split())[:200]


_SORTERS: dict[int, Callable[[str, CurlFault, bool], FeedError]] = {
    pycurl.E_COULDNT_RESOLVE_HOST: _of_host,
    pycurl.E_COULDNT_CONNECT: _of_connecting,
    pycurl.E_OPERATION_TIMEDOUT: _of_waiting,
    pycurl.E_FTP_ACCEPT_FAILED: _of_active_mode,
    pycurl.E_FTP_ACCEPT_TIMEOUT: _of_active_mode,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: _of_greeting,
    pycurl.E_LOGIN_DENIED: _of_login,
    pycurl.E_USE_SSL_FAILED: _of_protection,
    pycurl.E_SSL_CONNECT_ERROR: _of_handshake,
    pycurl.E_SSL_CERTPROBLEM: _of_client_files,
    pycurl.E_SSL_CACERT_BADFILE: _of_ca_file,
    pycurl.E_PEER_FAILED_VERIFICATION: _of_certificate,
}
_BY_REPLY = {
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
}
