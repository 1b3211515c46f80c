"""Pure-FTPd: it demands no session reuse, and breaks a listing off after 10,000 names."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from servers.debian import Unpacked
from servers.endpoint import PASSWORD_HASH, USER, NotHereError
from servers.ground import SERVER_ADDRESS, Ground, Ports, is_root
from servers.processes import running

LOGIN = USER


@contextmanager
def start(ground: Ground, ports: Ports, mode: str, packages: Unpacked | None) -> Iterator[str]:
    """Run it; yield what leads to the shared root."""
    if not is_root():
        raise NotHereError("Debian's Pure-FTPd only works when root starts it")
    assert packages
    folder = ground.working_folder(f"pure-ftpd-{mode}")
    account = ground.account
    users = folder / "users"
    users.write_text(
        f"{USER}:{PASSWORD_HASH}:{account.pw_uid}:{account.pw_gid}::{ground.root}/./::::::::::::\n"
    )
    users.chmod(0o600)
    database = folder / "users.pdb"
    subprocess.run(
        [str(packages.root / "usr/bin/pure-pw"), "mkdb", str(database), "-f", str(users)],
        check=True,
        env=packages.environment(),
        timeout=30,
    )
    command = [
        str(packages.program("pure-ftpd")),
        "--ipv4only",
        "--dontresolve",
        "--chrooteveryone",
        "--noanonymous",
        "--tls=3",  # no control and no data connection without TLS
        f"--certfile={ground.certificates.server}",
        f"--login=puredb:{database}",
        "--minuid=1",
        f"--bind={SERVER_ADDRESS},{ports.control}",
        f"--passiveportrange={ports.data[0]}:{ports.data[-1]}",
        f"--pidfile={folder / 'pure-ftpd.pid'}",
    ]
    with running(command, (SERVER_ADDRESS, ports.control), folder / "output.log", packages.environment()):
        yield ""
