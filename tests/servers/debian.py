"""FTP servers from Debian packages, unpacked into a folder of ours: nothing is installed on the machine.

As packages vsftpd and ProFTPD exclude each other; unpacked they lie side by side.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = {
    "vsftpd": ("vsftpd",),
    "proftpd": ("proftpd-core", "proftpd-mod-crypto"),
    "pure-ftpd": ("pure-ftpd", "pure-ftpd-common"),
}
"""Server -> its packages, the one that bears its version first."""
PROGRAMS = {"vsftpd": "usr/sbin/vsftpd", "proftpd": "usr/sbin/proftpd", "pure-ftpd": "usr/sbin/pure-ftpd"}
TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "dpkg-query", "ldd")
COMMAND_SECONDS = 240
MISSING_LIBRARY = re.compile(r"(\S+) => not found")


class NoPackagesError(Exception):
    """This machine cannot get Debian packages at all; the message says why."""


class DownloadError(Exception):
    """This machine has Debian's tools, but what they were asked for failed."""


@dataclass
class Unpacked:
    """Packages as they lie in the cache folder."""

    folder: Path
    """Holds `deb/`, the packages, and `root/`, what was in them."""
    _apt: list[str] = field(default_factory=list)
    """Options that make apt read package lists of our own; empty where the machine has lists."""

    @property
    def root(self) -> Path:
        """Stands for `/`."""
        return self.folder / "root"

    def program(self, server: str) -> Path:
        """Return the server's executable."""
        return self.root / PROGRAMS[server]

    def version(self, server: str) -> str:
        """Return the version of a server as its makers number it: 3.0.3 of 3.0.3-13+b2."""
        text = self._field(self._deb(PACKAGES[server][0]), "Version")
        return re.split(r"[-+]", text.split(":")[-1])[0]

    def environment(self) -> dict[str, str]:
        """Return the variables with which unpacked programs find unpacked libraries."""
        folders = [*map(str, self._library_folders()), os.environ.get("LD_LIBRARY_PATH", "")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders)), "LC_ALL": "C.UTF-8"}

    def provide(self) -> None:
        """Unpack every server with the libraries that this machine lacks; once done it costs nothing.

        Raises:
            NoPackagesError: The machine knows no Debian packages.
            DownloadError: They cannot be had for now.
        """
        tools = [tool for tool in TOOLS if not shutil.which(tool)]
        if tools:
            raise NoPackagesError(f"needs Debian's packages, and this machine has no {', '.join(tools)}")
        done = self.folder / "complete"
        if done.exists() and not self._missing_libraries():
            return
        (self.folder / "deb").mkdir(parents=True, exist_ok=True)
        for packages in PACKAGES.values():
            self._unpack(packages)
        self._unpack_libraries()
        done.touch()

    def _unpack_libraries(self) -> None:
        """Unpack what the servers depend on until they miss no library; what is installed stays out."""
        tried: set[str] = set()
        while missing := self._missing_libraries():
            names = {name for deb in self._debs() for name in self._libraries_of(deb)}
            fresh = sorted(name for name in names - tried if not _is_installed(name))
            if not fresh:
                raise DownloadError(f"no package of the servers brings {', '.join(sorted(missing))}")
            self._unpack(fresh)
            tried |= set(fresh)

    def _unpack(self, packages: Iterable[str]) -> None:
        wanted = [name for name in packages if not list((self.folder / "deb").glob(f"{name}_*.deb"))]
        if wanted:
            self._download(wanted)
        for name in packages:
            _run(["dpkg-deb", "--extract", str(self._deb(name)), str(self.root)])

    def _download(self, names: list[str]) -> None:
        if self._apt or _has_candidate(names[0]):
            try:
                self._apt_get("download", *names)
            except DownloadError:
                if self._apt:
                    raise
            else:
                return
        # The machine has no lists, or its lists are older than what the archive still holds.
        said = self._fetch_lists()
        try:
            self._apt_get("download", *names)
        except DownloadError as error:
            raise DownloadError(f"{error} (apt-get update said: {said or 'nothing'})") from None

    def _fetch_lists(self) -> str:
        """Fetch package lists into the cache: the machine's own stay as they are, and need root.

        Returns:
            What apt complained about; it does not count an archive that cannot be reached as a failure.
        """
        state, cache = self.folder / "apt" / "state", self.folder / "apt" / "cache"
        for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        self._apt = ["-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={cache}"]
        return self._apt_get("update")

    def _apt_get(self, *arguments: str) -> str:
        # Without a sandbox user apt also writes into folders that only this user can enter.
        quiet = ["apt-get", "-q", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"]
        return _tail(_run([*quiet, *self._apt, *arguments], self.folder / "deb").stderr)

    def _missing_libraries(self) -> set[str]:
        programs = [self.root / program for program in PROGRAMS.values()]
        modules = self.root.glob("usr/lib/proftpd/mod_tls*.so")
        paths = [*programs, *modules, *self._library_files()]
        said = _asked(["ldd", *map(str, paths)], variables=self.environment()).stdout
        return set(MISSING_LIBRARY.findall(said))

    def _library_folders(self) -> list[Path]:
        return [*self.root.glob("usr/lib/*-*"), *self.root.glob("lib/*-*")]

    def _library_files(self) -> list[Path]:
        return [file for folder in self._library_folders() for file in folder.glob("*.so.*")]

    def _libraries_of(self, deb: Path) -> list[str]:
        """Return the libraries that a package depends on, the first of alternatives."""
        wanted = self._field(deb, "Depends").split(",")
        names = [re.split(r"[\s(|:]", part.strip())[0] for part in wanted]
        return [name for name in names if name.startswith("lib")]

    def _debs(self) -> list[Path]:
        return sorted((self.folder / "deb").glob("*.deb"))

    def _deb(self, name: str) -> Path:
        return max((self.folder / "deb").glob(f"{name}_*.deb"), key=lambda deb: deb.stat().st_mtime)

    def _field(self, deb: Path, name: str) -> str:
        return _run(["dpkg-deb", "--field", str(deb), name]).stdout.strip()


def _is_installed(name: str) -> bool:
    return _asked(["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]).stdout == "installed"


def _has_candidate(name: str) -> bool:
    said = _asked(["apt-cache", "show", name])
    return said.returncode == 0 and bool(said.stdout)


def _asked(
    command: list[str], folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise DownloadError(f"{' '.join(command[:4])} … took over {COMMAND_SECONDS} s") from None


def _run(command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = _asked(command, folder)
    if done.returncode:
        plain = " ".join(part for part in command if not part.startswith("-") and "=" not in part)
        raise DownloadError(f"{plain} failed: {_tail(done.stderr or done.stdout)}")
    return done


def _tail(output: str) -> str:
    return " | ".join(line.strip() for line in output.strip().splitlines()[-3:])
