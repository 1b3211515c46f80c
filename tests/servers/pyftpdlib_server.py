"""The project's own FTPS server, which `make run` uses too; implicit TLS is added here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from erp_feeds.demo.ftps_server import local_server
from servers.debian import Unpacked
from servers.endpoint import IMPLICIT, PASSWORD, USER
from servers.ground import Ground, Ports

LOGIN = USER


@contextmanager
def start(ground: Ground, ports: Ports, mode: str, packages: Unpacked | None) -> Iterator[str]:
    """Run it; yield what leads to the shared root."""
    folder = ground.working_folder(f"pyftpdlib-{mode}")
    (folder / USER).symlink_to(ground.root, target_is_directory=True)
    server = local_server(folder, ground.certificates, {USER: PASSWORD}, port=ports.control)
    server.handler.passive_ports = ports.data
    if mode == IMPLICIT:
        _start_with_tls(server.handler)
    with server:
        yield ""


def _start_with_tls(handler: type[Any]) -> None:
    """Make the server greet inside of TLS instead of before it."""
    greet = handler.handle

    def handle(self: Any) -> None:
        self.secure_connection(self.ssl_context)

    handler.handle = handle
    handler.handle_ssl_established = greet
