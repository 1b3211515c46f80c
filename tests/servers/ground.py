"""What all servers share: one FTP root on disk, certificates, an account, free ports, addresses."""

from __future__ import annotations

import os
import pwd
import random
import socket
from dataclasses import dataclass
from pathlib import Path

import trustme

from erp_feeds.demo.certificates import Certificates

SERVER_ADDRESS = "127.0.0.1"
RELAY_ADDRESS = "127.0.0.2"
"""Where tests of faults connect to: a relay, at the same ports as its server. Only Linux has it by itself."""
DATA_PORTS = 12
PORT_RANGE = range(20_000, 32_000)
"""Below the ports that systems hand out to clients."""


@dataclass(frozen=True)
class Ports:
    """Ports of one server."""

    control: int

    @property
    def data(self) -> range:
        """The ports of its passive data connections."""
        return range(self.control + 1, self.control + 1 + DATA_PORTS)


@dataclass(frozen=True)
class Ground:
    """A folder that servers work in, removed after the session."""

    folder: Path
    """Open to every user: as root the servers work as a user without rights."""
    certificates: Certificates

    @property
    def root(self) -> Path:
        """The FTP root; not open for writing itself, because vsftpd refuses to serve such a root."""
        return self.folder / "root"

    @property
    def account(self) -> pwd.struct_passwd:
        """The user that serves files: as root one without rights, whose home vsftpd wants to exist."""
        return pwd.getpwnam("daemon") if is_root() else pwd.getpwuid(os.getuid())

    def shared_folder(self, name: str) -> Path:
        """Make a folder below the FTP root where every server may write."""
        path = self.root / name
        path.mkdir(parents=True)
        for each in (path, *path.parents):
            if each == self.root:
                break
            each.chmod(0o777)
        return path

    def working_folder(self, name: str) -> Path:
        """Make a folder for a server's own files."""
        path = self.folder / name
        path.mkdir()
        return path


def prepare(folder: Path) -> Ground:
    """Lay out the ground in an empty folder."""
    folder.chmod(0o755)
    ground = Ground(folder, Certificates(ca=folder / "ca.pem", server=folder / "server.pem"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ground.certificates.ca))
    issued = authority.issue_cert("localhost", SERVER_ADDRESS, RELAY_ADDRESS)
    issued.private_key_and_cert_chain_pem.write_to_path(str(ground.certificates.server))
    ground.root.mkdir()
    return ground


def is_root() -> bool:
    """Return whether servers can change their user and root folder."""
    return os.geteuid() == 0


def has_relay_address() -> bool:
    """Return whether the relay's address is this machine too."""
    return _is_free(RELAY_ADDRESS, 0)


def free_ports() -> Ports:
    """Return ports in a row that are free for a server and for its relay."""
    addresses = [SERVER_ADDRESS, *([RELAY_ADDRESS] if has_relay_address() else [])]
    for control in random.sample(PORT_RANGE[:: DATA_PORTS + 1], 200):
        ports = Ports(control)
        if all(_is_free(address, port) for address in addresses for port in (control, *ports.data)):
            return ports
    raise OSError(f"no {DATA_PORTS + 1} free ports in a row in {PORT_RANGE}")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
