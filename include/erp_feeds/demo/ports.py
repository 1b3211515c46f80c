"""The ports of the demo: the usual ones where free, else the next, and the same again after a restart."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from erp_feeds.demo.credentials import write_private
from erp_feeds.errors import FailError

TRIES = 200
"""Ports above the usual one that are tried."""


class Ports(BaseModel):
    """One port of the loopback address per server."""

    model_config = ConfigDict(frozen=True)

    ui: int = 8080
    ftps: int = 2121
    mail: int = 2525
    redis: int = 6379
    s3: int = 9000


def choose(path: Path) -> Ports:
    """Return free ports, nearest to those of the last start; `keep` writes them down once servers hold them.

    Raises:
        FailError: there is no free port near a usual one.
    """
    wished = _last(path)
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    for name, port in wished.model_dump().items():
        chosen[name] = _free(port, taken)
        taken.add(chosen[name])
    return Ports(**chosen)


def keep(path: Path, ports: Ports) -> None:
    """Write down the ports that the demo's own servers hold, for `env` and the next start."""
    write_private(path, ports.model_dump_json() + "\n")


def _last(path: Path) -> Ports:
    try:
        return Ports.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError):  # the first start, or the file of a full disk
        return Ports()


def _free(wished: int, taken: set[int]) -> int:
    for port in range(wished, min(wished + TRIES, 65536)):
        if port not in taken and is_free(port):
            return port
    raise FailError(f"no port is free from {wished} to {wished + TRIES}", "no_port")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port, on the loopback address and on every other."""
    for address in ("127.0.0.1", ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
