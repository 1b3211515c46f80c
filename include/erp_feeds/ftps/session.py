"""One libcurl handle that speaks to one server: TLS on every channel, and a bound on everything it reads.

libcurl keeps the control connection and the TLS session from one operation to the next. A session belongs to
one thread at a time. What fails ends in a `CurlFault`; after it the connection is not used again.
"""

from __future__ import annotations

import io
import math
import re
import select
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pycurl

from erp_feeds.ftps.connection import Extras, Server
from erp_feeds.ftps.errors import CurlFault, Reply

BUFFER = 64 * 1024
"""Bytes that libcurl reads at once; larger strokes cost more CPU."""
ENOUGH = 16
"""Blocks of libcurl, of at most 16 KiB, that are handed on at once."""
LONGEST_WAIT = 1.0
"""Seconds after which libcurl looks at its clocks, also where nothing happens."""
KEEPALIVE = 30
"""Seconds of silence after which TCP asks whether the other side is still there."""
IDLE = 60.0
"""Seconds without a command after which a session logs in anew: servers hang up on idle clients."""
_LAST_LINE = re.compile(rb"(\d{3})(?: |$)")
_DIRECTIONS = (
    (pycurl.POLL_IN, select.POLLIN, pycurl.CSELECT_IN),
    (pycurl.POLL_OUT, select.POLLOUT, pycurl.CSELECT_OUT),
)

_HARMLESS = {
    pycurl.E_REMOTE_ACCESS_DENIED,
    pycurl.E_REMOTE_FILE_NOT_FOUND,
    pycurl.E_FTP_COULDNT_RETR_FILE,
    pycurl.E_UPLOAD_FAILED,
}
"""Refusals after which the control connection is as good as before."""

Options = dict[int, Any]


class Session:
    """Commands, listings, downloads and uploads over one login."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._multi = pycurl.CurlMulti()
        self._curl = pycurl.Curl()
        self._sockets: dict[int, int] = {}
        """Sockets that libcurl waits for, and the directions."""
        self._base = _base_options(server)
        self._blocks: list[bytes] = []
        self._received = self._reply_bytes = 0
        self._lines: list[bytes] = []
        self._passed = ""
        """The limit that the server has passed in this operation."""
        self._used = time.monotonic()
        self.features = ""
        """What FEAT answers."""
        self.is_open = False
        self.was_ragged = False
        """Whether the latest data ended without the end of TLS, which the extra close_notify allows."""
        self.replies: list[Reply] = []
        """What the server said in the latest operation."""

    def open(self, examine: Callable[[str], None] | None = None) -> None:
        """Log in, with every channel protected; a session that is open stays as it is.

        Args:
            examine: Is given libcurl's notes, among them version and cipher of TLS.

        Raises:
            CurlFault: The server cannot be reached or refuses.
        """
        if self.is_open and time.monotonic() - self._used < IDLE:
            return
        self._renew()
        options: Options = {}
        if examine:
            options = {
                pycurl.OPT_CERTINFO: 1,
                pycurl.VERBOSE: 1,
                pycurl.DEBUGFUNCTION: lambda kind, said: (
                    None if kind else examine(said.decode("utf-8", "replace").strip())
                ),
            }
        # IIS and old servers send names in UTF-8 only when asked to.
        wishes = [b"*FEAT", *([b"*OPTS UTF8 ON"] if self._server.extras.encoding == "utf-8" else [])]
        features, *_ = self.command(*wishes, options=options)
        self.features = features.text.upper() if features.code < 300 else ""
        self.is_open = True

    def certificate(self) -> dict[str, str]:
        """Return the facts of the server's certificate, after `open` with `examine`."""
        chain = self._curl.getinfo(pycurl.INFO_CERTINFO) or [()]
        return dict(fact for fact in chain[0] if len(fact) == 2)

    def command(self, *commands: bytes, options: Options | None = None) -> list[Reply]:
        """Send commands and return the replies, one each; only what begins with * may be refused.

        Raises:
            CurlFault: A command was refused, or the connection broke.
        """
        # Never a refusal that libcurl sees: it would close the connection.
        tolerant = [b"*" + command.removeprefix(b"*") for command in commands]
        for _ in self._perform(b"/", {pycurl.NOBODY: 1, pycurl.QUOTE: tolerant, **(options or {})}):
            pass
        replies = self.replies[-len(commands) :]
        for command, reply in zip(commands, replies, strict=True):
            if reply.code >= 400 and not command.startswith(b"*"):
                raise CurlFault(pycurl.E_QUOTE_ERROR, str(reply), [reply])
        return replies

    def enter(self, folder: bytes) -> None:
        """Go into a folder.

        Raises:
            CurlFault: It cannot be entered.
        """
        for _ in self._perform(folder.rstrip(b"/") + b"/", {pycurl.NOBODY: 1, **_BY_FOLDER}):
            pass

    def listing(self, folder: bytes, command: str) -> bytes:
        """Return what MLSD or LIST says of a folder, entered first: servers list odd paths wrongly."""
        options = {pycurl.CUSTOMREQUEST: command, **_BY_FOLDER}
        limit = int(self._server.extras.max_listing_mb * 1_000_000)
        return b"".join(self._perform(folder.rstrip(b"/") + b"/", options, limit))

    def read(self, path: bytes, offset: int, limit: int, deadline: float) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on.

        Args:
            path: Absolute, as the server spells it.
            offset: Bytes that are not wanted.
            limit: Bytes, above which the server is not listened to.
            deadline: Seconds for all of it.
        """
        options: Options = {
            # libcurl would ask for the SIZE and take its refusal for that of the file; without it, it never
            # asks for the rest alone, hence the command just before RETR.
            pycurl.IGNORE_CONTENT_LENGTH: 1,
            pycurl.TIMEOUT_MS: _milliseconds(deadline),
        }
        if offset:
            options[pycurl.PREQUOTE] = [f"REST {offset}"]
        return self._perform(path, options, limit)

    def store(self, path: bytes, content: bytes) -> None:
        """Write a file; the end of TLS tells the server that nothing was cut."""
        options = {
            pycurl.UPLOAD: 1,
            pycurl.READDATA: io.BytesIO(content),
            pycurl.INFILESIZE_LARGE: len(content),
        }
        for _ in self._perform(path, options):
            pass

    def close(self) -> None:
        """Say goodbye where the connection is still there."""
        self._drop()
        self._curl.close()

    def _drop(self) -> None:
        self.is_open = False
        self._multi.close()

    def _renew(self) -> None:
        """Begin without any connection of before."""
        self._drop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)

    def _perform(self, path: bytes, options: Options, limit: int = 0) -> Iterator[bytes]:
        """Run one operation and yield the data that comes."""
        self._curl.reset()
        self._blocks, self._lines, self.replies = [], [], []
        self._received, self._reply_bytes, self._passed, self.was_ragged = 0, 0, "", False
        self._limit = limit
        wanted = {**self._base, pycurl.URL: self._address(path), **options}
        for option, value in wanted.items():
            self._curl.setopt(option, value)
        self._curl.setopt(pycurl.HEADERFUNCTION, self._take_reply)
        self._curl.setopt(pycurl.WRITEFUNCTION, self._take_data)
        was_open, self.is_open = self.is_open, False  # after a fault the connection cannot be trusted
        try:
            yield from self._drive()
            self.is_open = was_open and not self.was_ragged
        except CurlFault as fault:
            self.is_open = was_open and fault.number in _HARMLESS
            raise
        finally:
            self._used = time.monotonic()

    def _drive(self) -> Iterator[bytes]:
        """Let libcurl work, and yield what came before each wait, so that a fault takes nothing along."""
        self._sockets.clear()
        self._multi.add_handle(self._curl)
        try:
            running = self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1]
            while True:
                if self._blocks and (not running or len(self._blocks) >= ENOUGH):
                    blocks, self._blocks = self._blocks, []
                    yield b"".join(blocks)
                if not running:
                    break
                running = self._wait()
            _, _, failed = self._multi.info_read()
            self.replies = _replies(self._lines)
            if failed and not self._may_end_so(failed[0][1], failed[0][2]):
                raise CurlFault(failed[0][1], failed[0][2], self.replies, self._passed)
        finally:
            with suppress(pycurl.error):  # an abandoned download may end after its session
                self._multi.remove_handle(self._curl)

    def _wait(self) -> int:
        """Wait for the network or for libcurl's clocks; return how many operations still run."""
        waiting = select.poll()
        for descriptor, events in self._sockets.items():
            waiting.register(descriptor, events)
        due = self._multi.timeout()
        limit = LONGEST_WAIT * 1000
        ready = waiting.poll(min(due, limit) if due >= 0 else limit)
        if not ready:
            return int(self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1])
        for descriptor, events in ready:
            actions = sum(action for _, event, action in _DIRECTIONS if events & event)
            running = self._multi.socket_action(descriptor, actions or pycurl.CSELECT_ERR)[1]
        return int(running)

    def _watch(self, what: int, descriptor: int, *_: Any) -> None:
        """Note which socket libcurl waits for: select() serves no descriptor above 1,024."""
        if what == pycurl.POLL_REMOVE:
            self._sockets.pop(descriptor, None)
        else:
            self._sockets[descriptor] = sum(event for kind, event, _ in _DIRECTIONS if what & kind)

    def _take_data(self, block: bytes) -> int | None:
        self._received += len(block)
        if self._received > self._limit:
            self._passed = "data"
            return -1
        self._blocks.append(block)
        return None

    def _take_reply(self, line: bytes) -> int | None:
        self._reply_bytes += len(line)
        if self._reply_bytes > self._server.extras.max_reply_kb * 1000:
            self._passed = "replies"
            return -1
        self._lines.append(line)
        return None

    def _may_end_so(self, number: int, said: str) -> bool:
        """Tell whether data ended without the end of TLS on a server of which that is known."""
        fault = CurlFault(number, said, self.replies)
        self.was_ragged = fault.is_ragged_end and not self._server.extras.close_notify
        return self.was_ragged

    def _address(self, path: bytes) -> bytes:
        server = self._server
        scheme = "ftps" if server.extras.tls == "implicit" else "ftp"
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"{scheme}://{host}:{server.port}/{quote(path)}".encode()


_BY_FOLDER: Options = {pycurl.FTP_FILEMETHOD: pycurl.FTPMETHOD_SINGLECWD}


def _base_options(server: Server) -> Options:
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
        pycurl.SSLVERSION: _tls_versions(extras),
        pycurl.FTP_FILEMETHOD: pycurl.FTPMETHOD_NOCWD,
        pycurl.FTP_USE_EPSV: 0,  # PASV is what servers behind old firewalls are set up for
        pycurl.FTP_SKIP_PASV_IP: 1,
        pycurl.PROXY: "",  # proxies of the environment are meant for HTTP
        pycurl.NOSIGNAL: 1,
        pycurl.BUFFERSIZE: BUFFER,
        pycurl.TCP_KEEPALIVE: 1,
        pycurl.TCP_KEEPIDLE: KEEPALIVE,
        pycurl.TCP_KEEPINTVL: KEEPALIVE,
        pycurl.CONNECTTIMEOUT_MS: _milliseconds(extras.connect_timeout),
        pycurl.FTP_RESPONSE_TIMEOUT: seconds,
        pycurl.ACCEPTTIMEOUT_MS: _milliseconds(extras.timeout),
        pycurl.LOW_SPEED_LIMIT: extras.min_rate,
        pycurl.LOW_SPEED_TIME: seconds,
        pycurl.TIMEOUT_MS: _milliseconds(extras.operation_timeout),
        **_authorities(extras),
        **_client_certificate(extras),
    }
    if not extras.passive:
        options[pycurl.FTPPORT] = "-"
    return options


def _tls_versions(extras: Extras) -> int:
    highest = {"1.2": pycurl.SSLVERSION_MAX_TLSv1_2}.get(extras.max_tls or "", 0)
    return int(pycurl.SSLVERSION_TLSv1_2 | highest)


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


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _replies(lines: list[bytes]) -> list[Reply]:
    """Put the lines of the control channel together to replies, as libcurl tells their ends."""
    replies, open_lines = [], []
    for line in lines:
        open_lines.append(line.rstrip(b"\r\n"))
        if ended := _LAST_LINE.match(open_lines[-1]):
            replies.append(Reply(int(ended[1]), b"\n".join(open_lines).decode("utf-8", "replace")))
            open_lines = []
    return replies
