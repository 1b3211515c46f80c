"""A network between client and FTPS server that breaks connections at places and in ways that a seed chooses.

The control channel is encrypted, so the proxy cannot rewrite what the server announces: the server itself is
told to announce the proxy's ports, as one behind a translating firewall does.
"""

from __future__ import annotations

import random
import re
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from erp_feeds.ftps_server import FtpsServer
from erp_feeds.ftps_server.server import LOOPBACK

TURN = 0.01
"""Seconds after which a link looks whether another one has doomed it."""
RETRY_SECONDS = 10.0
"""Seconds after which a link ends whatever happens, so that no test leaves threads behind."""
RECORD_HEADER = struct.Struct("!BHH")
RECORD_TYPES = range(0x14, 0x18)
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fault:
    """What befalls a data connection, or the control connection while it is open."""

    where: str
    """data: within a TLS record. record: between two. control: the control connection, during the transfer.
    reply: the control connection, after some more of the server's replies."""
    how: str
    """fin, reset, stall, trickle; refused, where nothing listens."""
    after: int
    """Bytes of data, or replies."""

    def __str__(self) -> str:
        return f"{self.how} in {self.where}"


def any_fault(chance: random.Random) -> Fault | None:
    """Most data connections break, within the first handshake or up to some MB later."""
    if chance.random() < 0.3:
        return None
    how = chance.choices(["fin", "reset", "trickle", "refused", "stall"], [8, 6, 3, 2, 1])[0]
    where = chance.choice(["data", "data", "record", *(["control", "reply"] if how != "trickle" else [])])
    after = chance.randrange(4) if where == "reply" else int(10 ** chance.uniform(0.5, 6.2))
    return Fault(where, how, after)


class CuttingProxy:
    """Use it as a context manager; clients connect to its `port`."""

    def __init__(
        self, server: FtpsServer, choose: Callable[[random.Random], Fault | None] = any_fault, seed: int = 0
    ) -> None:
        """Stand in front of a server.

        Args:
            server: Announces this proxy's data ports from now on.
            choose: Returns the fault of the next data connection.
            seed: Of the generator that `choose` gets.
        """
        self.happened: Counter[str] = Counter()
        """Faults that did happen: a connection may end before its fault is due."""
        self._server = server
        self._choose = choose
        self._chance = random.Random(seed)
        self._controls: dict[int, _Link] = {}
        self._listener = socket.create_server((LOOPBACK, 0))
        self._stopping = threading.Event()
        server.handler.respond = self._announcing(server.handler.respond)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        socket.create_connection((LOOPBACK, self.port)).close()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._stopping.is_set():
                client.close()
                return
            server = socket.create_connection((LOOPBACK, self._server.port))
            link = _Link(client, server, self)
            self._controls[server.getsockname()[1]] = link
            link.start()

    def _announcing(self, respond: Callable[..., None]) -> Callable[..., None]:
        """Return the handler's `respond`, which says where the proxy waits for a data connection."""

        def announce(handler: Any, reply: str, *rest: Any, **named: Any) -> None:
            found = re.match(r"227 .*,(\d+),(\d+)\)", reply)
            if found:
                inner = int(found[1]) * 256 + int(found[2])
                outer = self._data_port(self._controls[handler.remote_port], inner)
                reply = f"227 Entering passive mode (127,0,0,1,{outer // 256},{outer % 256})."
            respond(handler, reply, *rest, **named)

        return announce

    def _data_port(self, control: _Link, inner: int) -> int:
        fault = self._choose(self._chance)
        listener = socket.create_server((LOOPBACK, 0))
        port = int(listener.getsockname()[1])
        if fault and fault.how == "refused":
            self.happened[str(fault)] += 1
            listener.close()
            return port
        if fault and fault.where == "reply":
            control.doom_after_replies(fault)
            fault = None
        threading.Thread(target=self._carry, args=(listener, inner, control, fault), daemon=True).start()
        return port

    def _carry(self, listener: socket.socket, inner: int, control: _Link, fault: Fault | None) -> None:
        listener.settimeout(RETRY_SECONDS)
        with listener:
            try:
                client, _ = listener.accept()
                server = socket.create_connection((LOOPBACK, inner))
            except OSError:  # the fault of the control channel came first
                return
        _Link(client, server, self, fault, control).carry()


@dataclass
class _Link:
    """Two sockets, and what passes between them."""

    client: socket.socket
    server: socket.socket
    proxy: CuttingProxy
    fault: Fault | None = None
    control: _Link | None = None
    """Of a data connection."""
    _passed: int = 0
    _coming: bytes = b""
    """The beginning of a TLS record or line whose rest is still to come."""
    _doom: Fault | None = field(default=None)
    _replies: int = 0

    def start(self) -> None:
        threading.Thread(target=self.carry, daemon=True).start()

    def doom(self, fault: Fault) -> None:
        """Break this link at its next turn."""
        self._replies, self._doom = 0, fault

    def doom_after_replies(self, fault: Fault) -> None:
        """Break this link when the server has said some more."""
        self._replies, self._doom = fault.after, fault

    def carry(self) -> None:
        """Pass bytes on in both directions until both ends are closed, or a fault ends it."""
        ends = [self.client, self.server]
        for end in ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until = time.monotonic() + RETRY_SECONDS
        try:
            while ends and time.monotonic() < until and not self._is_doomed():
                for end in select.select(ends, [], [], TURN)[0]:
                    if not self._pass_on(end):
                        ends.remove(end)
        except (OSError, _BrokenError):
            pass
        finally:
            self.client.close()
            self.server.close()

    def _is_doomed(self) -> bool:
        if self._doom and not self._replies:
            self._break(self._doom)
        return False

    def _pass_on(self, end: socket.socket) -> bool:
        block = end.recv(65536)
        other = self.server if end is self.client else self.client
        if not block:
            other.shutdown(socket.SHUT_WR)
        elif end is self.client:
            other.sendall(block)
        else:
            self._say(block)
        return bool(block)

    def _say(self, block: bytes) -> None:
        """Pass on what the server says, record by record, as far as the fault lets it."""
        self._coming += block
        while piece := _first_piece(self._coming):
            self._coming = self._coming[len(piece) :]
            if self.fault and self._passed + len(piece) > self.fault.after:
                self._meet(self.fault, piece)
            else:
                self.client.sendall(piece)
            self._passed += len(piece)
            if self._doom and self._replies:
                self._replies -= 1
                self._is_doomed()

    def _meet(self, fault: Fault, piece: bytes) -> None:
        self.fault = None
        if fault.where == "control" and self.control:
            self.control.doom(fault)
            self.client.sendall(piece)
        elif fault.how == "trickle":
            self.proxy.happened[str(fault)] += 1
            for number in range(min(len(piece), 100)):
                self.client.sendall(piece[number : number + 1])
                time.sleep(0.0005)
            self.client.sendall(piece[100:])
        else:
            self.client.sendall(piece[: fault.after - self._passed] if fault.where == "data" else b"")
            self._break(fault)

    def _break(self, fault: Fault) -> None:
        self.proxy.happened[str(fault)] += 1
        if fault.how == "stall":
            self._wait_for_the_client_to_leave()
        elif fault.how == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        raise _BrokenError

    def _wait_for_the_client_to_leave(self) -> None:
        self.client.settimeout(RETRY_SECONDS)
        while self.client.recv(65536):
            pass


class _BrokenError(Exception):
    """A fault has ended a link."""


def _first_piece(coming: bytes) -> bytes:
    """Return the first TLS record, or line of plain text, that is there whole."""
    if not coming or coming[0] not in RECORD_TYPES:
        return coming[: coming.find(b"\n") + 1]
    if len(coming) < RECORD_HEADER.size:
        return b""
    length = RECORD_HEADER.size + RECORD_HEADER.unpack_from(coming)[2]
    return coming[:length] if len(coming) >= length else b""
