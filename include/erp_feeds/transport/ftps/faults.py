"""What ftplib, TLS and sockets raise, sorted by what Airflow must do, in words that say what to change."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from erp_feeds.errors import FailError, FeedError, RetryError

UNAVAILABLE = "550"
NO_TLS = ("500", "502", "504", "431", "534")
UNKNOWN_COMMAND = ("500", "501", "502", "504")

_LOGIN_REFUSED = "530"
_PROTECTION_REFUSED = ("521", "533", "534", "536")
_SESSION_REUSE = "522"
_FULL = ("maximum", "too many")
"""Words by which a server says that it is only full, though with the code of a wrong login."""

_TLS_HELP = {
    "PROTOCOL_VERSION": "it wants another version of TLS: see the extra 'max_tls', or ask for TLS 1.2 there",
    "UNSUPPORTED_PROTOCOL": "it offers only versions of TLS that are broken: ask for TLS 1.2 there",
    "CERTIFICATE_REQUIRED": "it wants a client certificate: set the extra 'cert_file'",
    "HANDSHAKE_FAILURE": "no common way to encrypt, or it wants a client certificate (extra 'cert_file')",
    "UNKNOWN_CA": "it does not know the authority of our client certificate: correct the extra 'cert_file'",
    "BAD_CERTIFICATE": "it refuses our client certificate: correct the extra 'cert_file'",
    "CERTIFICATE_EXPIRED": "our client certificate has expired: renew the extra 'cert_file'",
}
"""Parts of OpenSSL's reasons that trying again cannot mend, and what to change."""

_DATES_HELP = "ask for a renewed one there, or set the clock of this machine"
_NAMES_HELP = "as 'host' of the connection give a name that the certificate holds"
_UNKNOWN_AUTHORITY_HELP = "name its authority in the extra 'ca_file' of the connection"
_CERTIFICATE_HELP = {9: _DATES_HELP, 10: _DATES_HELP, 62: _NAMES_HELP, 64: _NAMES_HELP}
"""OpenSSL's codes: not valid yet, expired, of another host, of another address."""


class FileGoneError(FailError):
    """The file is no longer on the server; the next look at the folder settles what to do."""


class ChangedError(RetryError):
    """What came so far is worth nothing: only a fetch from the start, later, can help."""


class RaggedEndError(RetryError):
    """The data ended without the end of TLS: a cut, or a server that never says goodbye."""


@contextmanager
def sorted_faults(place: str) -> Iterator[None]:
    """Turn what ftplib, TLS and sockets raise into what Airflow must do; `place` names server and path."""
    try:
        yield
    except RaggedEndError as error:
        raise RaggedEndError(f"{place}: {error}", error.code) from None
    except ftplib.error_temp as error:
        raise RetryError(f"{place}: the server says '{_said(error)}'", "server_busy") from error
    except ftplib.error_perm as error:
        raise _permanent(place, error) from error
    except ssl.SSLError as error:
        raise _of_tls(place, error) from error
    except UnicodeError as error:
        raise _of_names(place, error) from None
    except (OSError, EOFError, ftplib.Error) as error:
        raise _of_network(place, error) from error


def code_of(error: ftplib.Error) -> str:
    """Return the three digits of a server's reply."""
    return str(error)[:3]


def _permanent(place: str, error: ftplib.error_perm) -> FeedError:
    """Return the error for a 5xx reply; two of them mean only that another connection may do better."""
    code, said = code_of(error), _said(error)
    if code == _SESSION_REUSE or "session reuse" in said.lower():
        message = (
            f"{place}: the data connection's TLS session was refused ('{said}'): see the extra 'max_tls'"
        )
        return RetryError(message, "session_refused")
    if code == _LOGIN_REFUSED and any(word in said.lower() for word in _FULL):
        return RetryError(f"{place}: the server is full ('{said}')", "server_busy")
    if code == _LOGIN_REFUSED:
        message = f"{place}: login refused ('{said}'): correct login and password of the connection"
        return FailError(message, "login_refused")
    if code in _PROTECTION_REFUSED:
        message = f"{place}: the server refuses to protect data ('{said}'), and it is never sent in the clear"
        return FailError(message, "no_tls")
    return FailError(f"{place}: the server refuses with '{said}'", "refused")


def _of_tls(place: str, error: ssl.SSLError) -> FeedError:
    if isinstance(error, ssl.SSLCertVerificationError):
        help_ = _CERTIFICATE_HELP.get(error.verify_code, _UNKNOWN_AUTHORITY_HELP)
        message = f"{place}: the server's certificate is refused ({error.verify_message}): {help_}"
        return FailError(message, "certificate_refused")
    reason = getattr(error, "reason", "") or ""  # only OpenSSL's own have one
    for part, help_ in _TLS_HELP.items():
        if part in reason:
            return FailError(f"{place}: TLS with the server fails ({reason}): {help_}", "tls_refused")
    return RetryError(
        f"{place}: the TLS connection broke ({reason or type(error).__name__})", "connection_lost"
    )


def _of_names(place: str, error: UnicodeError) -> FailError:
    if isinstance(error, UnicodeEncodeError):
        message = f"{place}: the name cannot be written in {error.encoding}: correct the extra 'encoding'"
        return FailError(message, "wrong_encoding")
    message = f"{place}: this cannot be a host name: correct 'host' of the connection"
    return FailError(message, "invalid_host")


def _of_network(place: str, error: OSError | EOFError | ftplib.Error) -> RetryError:
    if isinstance(error, socket.gaierror):
        message = f"{place}: the host name is not known here ({error.strerror}): is 'host' right?"
        return RetryError(message, "unknown_host")
    if isinstance(error, ConnectionRefusedError):
        return RetryError(f"{place}: nothing listens there: is 'port' right?", "no_listener")
    if isinstance(error, TimeoutError):
        return RetryError(f"{place}: no answer in time", "timeout")
    reason = str(error).strip() or type(error).__name__
    return RetryError(f"{place}: no connection ({reason[:200]})", "connection_lost")


def _said(error: ftplib.Error) -> str:
    """Return a server's reply as one short line."""
    return " ".join(str(error).split())[:200]
