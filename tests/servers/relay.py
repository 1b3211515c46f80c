"""A relay in front of a server: same ports, other loopback address; it cuts or stalls data connections.

The control channel is encrypted, so nothing in it could be rewritten, and nothing needs to be: a passive
server tells a port, and the client asks for this port at the address that it knows, which is the relay's.
"""

from __future__ import annotations

import select
import selectors
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

BLOCK = 16 * 1024
STALL_SECONDS = 30
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send RST instead of FIN."""


@dataclass
class Fault:
    """What befalls the next data connections, one kind each."""

    kinds: tuple[str, ...]
    """close: an orderly end; reset: a hard one; stall: silence."""
    after: int
    """Bytes from the server that still come through."""
    happened: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Ends the silence: a server would hold on to a stalled transfer, and to its port, for minutes."""


class Relay:
    """Listens while it is used as a context manager."""

    def __init__(self, listen: str, server: str, control: int, data: Iterable[int]) -> None:
        """Take the ports.

        Args:
            listen: Address that clients connect to.
            server: Address that the server listens at.
            control: Port of the control connections, which are left alone.
            data: Ports of the data connections.

        Raises:
            OSError: A port is taken.
        """
        self._server = server
        self._control = control
        self._fault = Fault((), 0)
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._accept, name=f"relay-{control}", daemon=True)
        self.connections = 0
        """Data connections so far."""
        self.bytes = 0
        """What came from the server over data connections, TLS included."""
        try:
            for port in (control, *data):
                self._take(listen, port)
        except OSError:
            self._close()
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._close()

    @contextmanager
    def fault(self, *kinds: str, after: int) -> Iterator[Fault]:
        """Let data connections suffer within a `with`: the first the first kind, and so on."""
        self._fault = Fault(kinds, after)
        try:
            yield self._fault
        finally:
            self._fault.over.set()
            self._fault = Fault((), 0)

    def _take(self, address: str, port: int) -> None:
        listener = socket.socket()
        self._selector.register(listener, selectors.EVENT_READ, port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(16)

    def _close(self) -> None:
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(timeout=0.05):
                assert isinstance(key.fileobj, socket.socket)
                client, _ = key.fileobj.accept()
                fault, kind = self._fault, ""
                if key.data != self._control:
                    self.connections += 1
                    kind = next(iter(fault.kinds[len(fault.happened) :]), "")
                    fault.happened += [kind] if kind else []
                arguments = (client, key.data, fault, kind)
                threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, client: socket.socket, port: int, fault: Fault, kind: str) -> None:
        with client, suppress(OSError), socket.create_connection((self._server, port), timeout=5) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            came = self._copy(client, server, fault.after if kind else None)
            if port != self._control:
                self.bytes += came
            if kind == "stall":
                fault.over.wait(STALL_SECONDS)
            if kind == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _copy(self, client: socket.socket, server: socket.socket, limit: int | None) -> int:
        """Copy both ways to the end, or until the server has sent the limit; return the server's bytes."""
        came = 0
        open_ends = {client: server, server: client}
        while open_ends and came != limit and not self._stop.is_set():
            ready, _, _ = select.select(list(open_ends), [], [], 0.2)
            for source in ready:
                size = BLOCK if source is client or limit is None else min(BLOCK, limit - came)
                block = source.recv(size)
                if not block:
                    with suppress(OSError):
                        open_ends[source].shutdown(socket.SHUT_WR)
                    del open_ends[source]
                    continue
                open_ends[source].sendall(block)
                came += len(block) if source is server else 0
        return came
