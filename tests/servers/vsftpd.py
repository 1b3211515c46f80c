"""vsftpd with `require_ssl_reuse`; anonymous, because its other users need PAM set up on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from servers.debian import Unpacked
from servers.endpoint import IMPLICIT
from servers.ground import SERVER_ADDRESS, Ground, Ports, is_root
from servers.processes import running

LOGIN = "anonymous"


@contextmanager
def start(ground: Ground, ports: Ports, mode: str, packages: Unpacked | None) -> Iterator[str]:
    """Run it; yield what leads to the shared root."""
    assert packages
    folder = ground.working_folder(f"vsftpd-{mode}")
    settings = {
        "background": "NO",
        "listen": "YES",
        "listen_address": SERVER_ADDRESS,
        "listen_port": ports.control,
        "pasv_min_port": ports.data[0],
        "pasv_max_port": ports.data[-1],
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "anon_root": ground.root,
        "ftp_username": ground.account.pw_name,
        "nopriv_user": ground.account.pw_name,
        "secure_chroot_dir": ground.working_folder(f"vsftpd-{mode}-empty"),
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_umask": "022",
        "ssl_enable": "YES",
        "allow_anon_ssl": "YES",
        "force_anon_logins_ssl": "YES",
        "force_anon_data_ssl": "YES",
        "require_ssl_reuse": "YES",
        "implicit_ssl": "YES" if mode == IMPLICIT else "NO",
        "rsa_cert_file": ground.certificates.server,
        "ssl_ciphers": "HIGH",  # the compiled-in choice is one cipher that OpenSSL 3 no longer knows
        "utf8_filesystem": "YES",
        "seccomp_sandbox": "NO",  # kills its sessions under kernels and sandboxes that it does not know
        "isolate": "NO",
        "isolate_network": "NO",
        "run_as_launching_user": "NO" if is_root() else "YES",
        "xferlog_enable": "NO",
        "vsftpd_log_file": folder / "vsftpd.log",
    }
    configuration = folder / "vsftpd.conf"
    configuration.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    command = [str(packages.program("vsftpd")), str(configuration)]
    with running(command, (SERVER_ADDRESS, ports.control), folder / "output.log", packages.environment()):
        yield "" if is_root() else str(ground.root)
