"""A data connection under TLS, read in long strokes: a fifth of the CPU of a download is saved.

OpenSSL on a socket reads every record of 16 KiB by two calls to the system. Here one call reads what has
arrived, up to four megabytes, and OpenSSL takes the records from memory.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

BLOCK = 512 * 1024
"""Bytes that are handed on at once: many records, since each block passes through several generators."""
RECORD = 16 * 1024
"""Bytes that a record of TLS holds at most."""
FIRST_STROKE = 64 * 1024
LONGEST_STROKE = 4 * 1024 * 1024
"""Bytes that a call to the system reads: the first ones, for most listings end there, and later ones."""


class Channel:
    """TLS over a connected socket, whose timeout holds for each wait."""

    def __init__(
        self, plain: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None
    ) -> None:
        """Shake hands.

        Args:
            plain: The connection; closing it stays with the caller.
            context: Says whom to trust.
            host: Name that the server's certificate must hold.
            session: What to resume, as servers demand of data connections.

        Raises:
            OSError: No answer in time, no TLS there, or a certificate that is refused.
        """
        self._plain = plain
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host, session=session)
        self._stroke = memoryview(bytearray(FIRST_STROKE))
        self._shake_hands()

    def blocks(self) -> Iterator[bytes]:
        """Yield what comes, all of it before each wait, so that a fault takes nothing along.

        Raises:
            ssl.SSLEOFError: The connection ended, but TLS did not: something may be missing.
            OSError: Any other fault, of the network or of TLS.
        """
        while True:
            block, more = self._at_hand()
            if block:
                yield block
            elif more:
                self._receive()
            else:
                return

    def end(self) -> None:
        """Answer the server's end of TLS; whether it waits for that does not matter."""
        with suppress(OSError):
            self._tls.unwrap()
        with suppress(OSError):
            self._send()

    def _at_hand(self) -> tuple[bytes, bool]:
        """Return at most a block of what has arrived, and whether more may come."""
        records: list[bytes] = []
        room = BLOCK
        while room >= RECORD:
            try:
                record = self._tls.read(RECORD)
            except ssl.SSLWantReadError:
                return b"".join(records), True
            if not record:
                return b"".join(records), False
            records.append(record)
            room -= len(record)
        return b"".join(records), True

    def _shake_hands(self) -> None:
        shaken = False
        while not shaken:
            try:
                self._tls.do_handshake()
                shaken = True
            except ssl.SSLWantReadError:
                self._send()
                self._receive()
        self._send()

    def _receive(self) -> None:
        """Wait for bytes; a stroke that was filled is made longer for the next time."""
        self._send()
        count = self._plain.recv_into(self._stroke)
        if count:
            self._arrived.write(self._stroke[:count])
        else:
            self._arrived.write_eof()
        if count == len(self._stroke) < LONGEST_STROKE:
            self._stroke = memoryview(bytearray(LONGEST_STROKE))

    def _send(self) -> None:
        """Send what TLS itself has to say."""
        if self._leaving.pending:
            self._plain.sendall(self._leaving.read())
