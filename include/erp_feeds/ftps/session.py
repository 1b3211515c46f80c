"""One libcurl handle that speaks to one server: TLS on every channel, and a bound on everything it reads.

libcurl keeps the control connection and the TLS session from one operation to the next. A session belongs to
one thread at a time. What fails ends in a `CurlError`; after it the connection is not used again.
"""

from __future__ import annotations

import io
import re
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pycurl

from erp_feeds.ftps.connection import Server
from erp_feeds.ftps.errors import CurlError, Reply
from erp_feeds.ftps.listing import FALLBACK_ENCODING, size_of
from erp_feeds.ftps.options import Options, milliseconds, options_of

FileStat = tuple[int | None, str | None]
"""SIZE and MDTM of a file, each None where the server does not answer it."""
NOTHING_KNOWN: FileStat = (None, None)

BLOCKS_IN_MEMORY = 16
"""Blocks of libcurl, of at most 16 KiB, that are handed on at once."""
MAX_WAIT_SECONDS = 1.0
"""Most seconds of one wait, so that a task that is stopped ends in time."""
IDLE_SECONDS = 60.0
"""Seconds without a command after which a session logs in anew: servers hang up on idle clients."""
_LAST_LINE = re.compile(rb"(\d{3})(?: |$)")
_HARMLESS = {
    pycurl.E_REMOTE_ACCESS_DENIED,
    pycurl.E_REMOTE_FILE_NOT_FOUND,
    pycurl.E_FTP_COULDNT_RETR_FILE,
    pycurl.E_UPLOAD_FAILED,
}
"""Errors after which the control connection can still be used."""

_BY_FOLDER: Options = {pycurl.FTP_FILEMETHOD: pycurl.FTPMETHOD_SINGLECWD}
"""A folder is entered and then listed without its path: servers list odd paths wrongly."""


class Session:
    """Commands, listings, downloads and uploads over one login."""

    def __init__(self, server: Server) -> None:
        self.extras = server.extras
        self._server = server
        self._options = options_of(server)
        self._curl = pycurl.Curl()
        self._multi = pycurl.CurlMulti()
        self._selector = selectors.DefaultSelector()
        self._blocks: list[bytes] = []
        self._lines: list[bytes] = []
        self._reply_bytes = 0
        self._is_open = False
        self._used = time.monotonic()
        self.knows_mlsd = False
        self.was_ragged = False
        """Whether the latest data ended without the end of TLS, which the extra close_notify allows."""

    def open(self, examine: Callable[[str], None] | None = None) -> None:
        """Log in, with every channel protected; a session that is open stays as it is.

        Args:
            examine: Is given libcurl's notes, among them version and cipher of TLS.

        Raises:
            CurlError: The server cannot be reached or refuses.
        """
        if self._is_open and time.monotonic() - self._used < IDLE_SECONDS:
            return
        self._drop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        options: Options = {}
        if examine:
            options = {
                pycurl.OPT_CERTINFO: 1,
                pycurl.VERBOSE: 1,
                pycurl.DEBUGFUNCTION: lambda kind, note: (
                    None if kind else examine(note.decode("utf-8", "replace").strip())
                ),
            }
        # IIS and old servers send names in UTF-8 only when asked to.
        wishes = [b"*FEAT", *([b"*OPTS UTF8 ON"] if self.extras.encoding == "utf-8" else [])]
        features, *_ = self.command(*wishes, options=options)
        self.knows_mlsd = "MLST" in features.value.upper()
        self._is_open = True

    def certificate(self) -> dict[str, str]:
        """Return the facts of the server's certificate, after `open` with `examine`."""
        chain = self._curl.getinfo(pycurl.INFO_CERTINFO) or [()]
        return dict(fact for fact in chain[0] if len(fact) == 2)

    def address(self) -> str:
        """Return the address of the server in the network, after `open`."""
        return str(self._curl.getinfo(pycurl.PRIMARY_IP))

    def command(self, *commands: bytes, options: Options | None = None) -> list[Reply]:
        """Send commands and return the replies, one each; only what begins with * may be refused.

        Raises:
            CurlError: A command was refused, or the connection broke.
        """
        # With * libcurl ignores a refusal; otherwise it would close the connection.
        tolerant = [b"*" + command.removeprefix(b"*") for command in commands]
        self._whole(b"/", {pycurl.NOBODY: 1, pycurl.QUOTE: tolerant, **(options or {})})
        replies = _replies(self._lines)[-len(commands) :]
        for command, reply in zip(commands, replies, strict=True):
            if reply.is_refusal and not command.startswith(b"*"):
                raise CurlError(pycurl.E_QUOTE_ERROR, str(reply), [reply])
        return replies

    def stat(self, path: bytes) -> FileStat:
        """Ask for size and time of a file."""
        # In ASCII mode servers refuse SIZE.
        _, size, modified = self.command(b"TYPE I", b"*SIZE " + path, b"*MDTM " + path)
        return size_of(size.value), modified.value or None

    def encoding_of(self, path: str) -> str:
        """Return the encoding of a file's name on the server: it may differ from that of other names."""
        agreed = self.extras.encoding
        if path.isascii() or self.stat(path.encode(agreed))[0] is not None:
            return agreed
        with suppress(UnicodeEncodeError):
            if self.stat(path.encode(FALLBACK_ENCODING))[0] is not None:
                return FALLBACK_ENCODING
        return agreed

    def enter(self, folder: bytes) -> None:
        """Go into a folder.

        Raises:
            CurlError: It cannot be entered.
        """
        self._whole(folder.rstrip(b"/") + b"/", {pycurl.NOBODY: 1, **_BY_FOLDER})

    def listing(self, folder: bytes, command: str) -> tuple[bytes, str]:
        """Return what MLSD or LIST shows of a folder, and the reply that ends it."""
        limit = int(self.extras.max_listing_mb * 1_000_000)
        options = {pycurl.CUSTOMREQUEST: command, pycurl.MAXFILESIZE_LARGE: limit, **_BY_FOLDER}
        content = self._whole(folder.rstrip(b"/") + b"/", options)
        return content, str(_replies(self._lines)[-1])

    def read(self, path: bytes, offset: int, limit: int, deadline: float) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on.

        Args:
            path: Absolute, as the server spells it.
            offset: Bytes that are not wanted.
            limit: Bytes, above which nothing more is taken.
            deadline: Seconds for all of it.
        """
        options: Options = {
            # libcurl would ask for the SIZE and take its refusal for that of the file; without it, it never
            # asks for the rest alone, hence the command just before RETR.
            pycurl.IGNORE_CONTENT_LENGTH: 1,
            pycurl.MAXFILESIZE_LARGE: max(1, limit),
            pycurl.TIMEOUT_MS: milliseconds(deadline),
        }
        if offset:
            options[pycurl.PREQUOTE] = [f"REST {offset}"]
        return self._perform(path, options)

    def store(self, path: bytes, content: bytes) -> None:
        """Write a file; the end of TLS proves to the server that nothing was cut."""
        options = {
            pycurl.UPLOAD: 1,
            pycurl.READDATA: io.BytesIO(content),
            pycurl.INFILESIZE_LARGE: len(content),
        }
        self._whole(path, options)

    def close(self) -> None:
        """Say goodbye where the connection is still there."""
        self._drop()
        self._curl.close()
        self._selector.close()

    def _drop(self) -> None:
        self._is_open = False
        self._multi.close()

    def _whole(self, path: bytes, options: Options) -> bytes:
        return b"".join(self._perform(path, options))

    def _perform(self, path: bytes, options: Options) -> Iterator[bytes]:
        """Run one operation and yield the data that comes."""
        self._curl.reset()
        self._blocks, self._lines, self._reply_bytes, self.was_ragged = [], [], 0, False
        changing = {
            pycurl.URL: _address(self._server, path),
            pycurl.HEADERFUNCTION: self._take_line,
            pycurl.WRITEFUNCTION: self._blocks.append,
        }
        for option, value in {**self._options, **changing, **options}.items():
            self._curl.setopt(option, value)
        was_open, self._is_open = self._is_open, False  # after an error the connection cannot be trusted
        try:
            yield from self._drive()
            self._is_open = was_open and not self.was_ragged
        except CurlError as error:
            self._is_open = was_open and error.number in _HARMLESS
            raise
        finally:
            self._used = time.monotonic()

    def _drive(self) -> Iterator[bytes]:
        """Let libcurl work, and yield what came before each wait, so that no error loses data."""
        self._multi.add_handle(self._curl)
        try:
            running = self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1]
            while True:
                if self._blocks and (not running or len(self._blocks) >= BLOCKS_IN_MEMORY):
                    block = b"".join(self._blocks)
                    self._blocks.clear()
                    yield block
                if not running:
                    break
                running = self._wait()
            _, _, failed = self._multi.info_read()
            if failed:
                error = CurlError(failed[0][1], failed[0][2], _replies(self._lines))
                self.was_ragged = error.is_ragged_end and not self.extras.close_notify
                if not self.was_ragged:
                    raise error
        finally:
            with suppress(pycurl.error):  # an abandoned download may end after its session
                self._multi.remove_handle(self._curl)

    def _wait(self) -> int:
        """Wait for the network or for libcurl's clocks; return how many operations still run."""
        due = self._multi.timeout() / 1000
        ready = self._selector.select(min(due, MAX_WAIT_SECONDS) if due >= 0 else MAX_WAIT_SECONDS)
        if not ready:
            return int(self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1])
        for key, events in ready:
            running = self._multi.socket_action(key.fd, events)[1]
        return int(running)

    def _watch(self, events: int, descriptor: int, *_: Any) -> None:
        """Note which socket libcurl waits for; libcurl and Python number reading and writing alike."""
        with suppress(KeyError):
            self._selector.unregister(descriptor)
        if events != pycurl.POLL_REMOVE:
            self._selector.register(descriptor, events)

    def _take_line(self, line: bytes) -> int | None:
        """Keep a line of a reply; raise at more of them than the connection allows."""
        self._lines.append(line)
        self._reply_bytes += len(line)
        return -1 if self._reply_bytes > self.extras.max_reply_kb * 1000 else None


def _address(server: Server, path: bytes) -> bytes:
    scheme = "ftps" if server.extras.tls == "implicit" else "ftp"
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{scheme}://{host}:{server.port}/{quote(path)}".encode()


def _replies(lines: list[bytes]) -> list[Reply]:
    """Join the lines of the control channel into replies; they end where libcurl finds their ends."""
    replies, open_lines = [], []
    for line in lines:
        open_lines.append(line.rstrip(b"\r\n"))
        if ended := _LAST_LINE.match(open_lines[-1]):
            replies.append(Reply(int(ended[1]), b"\n".join(open_lines).decode("utf-8", "replace")))
            open_lines = []
    return replies
