"""A certificate authority for the local FTPS server, so that clients verify it as they would a real one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """Where the two PEM files lie."""

    ca: Path
    """Certificate of the authority: what a client verifies with."""
    server: Path
    """Private key and certificate chain of the server."""


def certificates(folder: Path) -> Certificates:
    """Return the certificates kept in a folder, making both when either is missing.

    They stay the same across starts, because clients keep the path of the authority's certificate.
    """
    made = Certificates(ca=folder / "ca.pem", server=folder / "server.pem")
    if not (made.ca.exists() and made.server.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="erp-feeds local")
        server = authority.issue_cert(*NAMES)
        _write(made.server, server.private_key_and_cert_chain_pem.bytes(), 0o600)
        _write(made.ca, authority.cert_pem.bytes(), 0o644)
    return made


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write with the final mode from the first byte on: the private key is never readable by others."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
