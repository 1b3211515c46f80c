"""The options that libcurl gets for a connection: TLS, limits of time and rate, modes."""

from __future__ import annotations

import math
import ssl
from pathlib import Path
from typing import Any

import pycurl

from erp_feeds.ftps.connection import Extras, Server

Options = dict[int, Any]

BUFFER = 64 * 1024
"""Bytes that libcurl reads at once; more at a time costs more CPU."""
KEEPALIVE_SECONDS = 30
"""Seconds of silence after which TCP asks whether the other side is still there."""


def options_of(server: Server) -> Options:
    """Return what holds for every operation."""
    extras = server.extras
    seconds = max(1, math.ceil(extras.timeout))
    options: Options = {
        pycurl.USERNAME: server.login.encode(),
        pycurl.PASSWORD: server.password.encode(),
        pycurl.USE_SSL: pycurl.USESSL_ALL,
        pycurl.FTPSSLAUTH: pycurl.FTPAUTH_TLS,
        pycurl.SSL_VERIFYPEER: int(extras.verify),
        pycurl.SSL_VERIFYHOST: 2 if extras.verify else 0,
        pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
        pycurl.FTP_FILEMETHOD: pycurl.FTPMETHOD_NOCWD,
        pycurl.FTP_USE_EPSV: 0,  # PASV is what servers behind old firewalls are set up for
        pycurl.FTP_SKIP_PASV_IP: 1,
        pycurl.PROXY: "",  # proxies of the environment are meant for HTTP
        pycurl.NOSIGNAL: 1,
        pycurl.BUFFERSIZE: BUFFER,
        pycurl.TCP_KEEPALIVE: 1,
        pycurl.TCP_KEEPIDLE: KEEPALIVE_SECONDS,
        pycurl.TCP_KEEPINTVL: KEEPALIVE_SECONDS,
        pycurl.CONNECTTIMEOUT_MS: milliseconds(extras.connect_timeout),
        pycurl.FTP_RESPONSE_TIMEOUT: seconds,
        pycurl.ACCEPTTIMEOUT_MS: milliseconds(extras.timeout),
        pycurl.LOW_SPEED_LIMIT: extras.min_rate,
        pycurl.LOW_SPEED_TIME: seconds,
        pycurl.TIMEOUT_MS: milliseconds(extras.operation_timeout),
        **_authorities(extras),
        **_client_certificate(extras),
    }
    if extras.max_tls == "1.2":
        options[pycurl.SSLVERSION] |= pycurl.SSLVERSION_MAX_TLSv1_2
    if not extras.passive:
        options[pycurl.FTPPORT] = "-"
    return options


def _authorities(extras: Extras) -> Options:
    """Return whom to trust: the connection's own authority, or what Python takes for the machine's."""
    if extras.ca_file:
        return {pycurl.CAINFO: str(extras.ca_file)}
    known = ssl.get_default_verify_paths()
    if known.cafile and Path(known.cafile).exists():
        return {pycurl.CAINFO: known.cafile}
    return {pycurl.CAPATH: known.capath} if known.capath else {}


def _client_certificate(extras: Extras) -> Options:
    if not extras.cert_file:
        return {}
    # Without a password OpenSSL would ask the terminal for one.
    password = extras.key_password.get_secret_value() if extras.key_password else ""
    return {
        pycurl.SSLCERT: str(extras.cert_file),
        pycurl.SSLKEY: str(extras.key_file or extras.cert_file),
        pycurl.KEYPASSWD: password.encode(),
    }


def milliseconds(seconds: float) -> int:
    """Return a time as libcurl takes it; 0 would be no limit."""
    return max(1, int(seconds * 1000))
