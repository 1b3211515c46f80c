"""ProFTPD with mod_tls, which by default demands that data connections reuse the control's session."""

from __future__ import annotations

import grp
from collections.abc import Iterator
from contextlib import contextmanager

from servers.debian import Unpacked
from servers.endpoint import IMPLICIT, PASSWORD_HASH, USER
from servers.ground import SERVER_ADDRESS, Ground, Ports, is_root
from servers.processes import running

LOGIN = USER


@contextmanager
def start(ground: Ground, ports: Ports, mode: str, packages: Unpacked | None) -> Iterator[str]:
    """Run it; yield what leads to the shared root."""
    assert packages
    folder = ground.working_folder(f"proftpd-{mode}")
    account = ground.account
    users = folder / "users"
    users.write_text(f"{USER}:{PASSWORD_HASH}:{account.pw_uid}:{account.pw_gid}::{ground.root}:/bin/false\n")
    users.chmod(0o600)
    lines = [
        f"ModulePath {packages.root / 'usr/lib/proftpd'}",
        "LoadModule mod_tls.c",
        "ServerType standalone",
        f"DefaultAddress {SERVER_ADDRESS}",
        "SocketBindTight on",
        "UseIPv6 off",
        "UseReverseDNS off",
        f"Port {ports.control}",
        f"PassivePorts {ports.data[0]} {ports.data[-1]}",
        f"User {account.pw_name}",
        f"Group {grp.getgrgid(account.pw_gid).gr_name}",
        "AuthOrder mod_auth_file.c",
        f"AuthUserFile {users}",
        "RequireValidShell off",
        "AllowStoreRestart on",
        "AllowOverwrite on",
        f"PidFile {folder / 'proftpd.pid'}",
        f"ScoreboardFile {folder / 'scoreboard'}",
        f"SystemLog {folder / 'proftpd.log'}",
        "WtmpLog off",
        "TransferLog none",
        "DelayEngine off",
        "ControlsEngine off",
        "TLSEngine on",
        "TLSRequired on",
        f"TLSLog {folder / 'tls.log'}",
        f"TLSECCertificateFile {ground.certificates.server}",
        f"TLSECCertificateKeyFile {ground.certificates.server}",
        *(["DefaultRoot ~"] if is_root() else []),
        *(["TLSOptions UseImplicitSSL"] if mode == IMPLICIT else []),
    ]
    configuration = folder / "proftpd.conf"
    configuration.write_text("\n".join(lines) + "\n")
    command = [str(packages.program("proftpd")), "--nodaemon", "--config", str(configuration)]
    with running(command, (SERVER_ADDRESS, ports.control), folder / "output.log", packages.environment()):
        yield "" if is_root() else str(ground.root)
