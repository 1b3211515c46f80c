"""What it costs to fetch one big file over FTPS: CPU seconds of the client, beside curl and ftplib.

Every way fetches the same file of random bytes from the same server on the loopback address, with TLS
verified, in a process of its own, several times in turn; the medians are printed, and the ratio to curl in
the same run. The server is another process: vsftpd, unpacked from Debian's package, or where that cannot be
had, pyftpdlib. `start` is what the imports cost, and no part of `CPU s`.

- curl: into a file
- ftplib: retrbinary into a file, with the data connections resuming the session, as servers demand
- erp-feeds: what the task `download` does: fetch, compare sizes, SHA-256, an archive that is safe on the disk
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measured import Figures, alone, cpu, in_turn, median, parser_of, peak

PROJECT = Path(__file__).resolve().parents[1]
NAME = "TestShop_SRS_Customers_1.zip"
TARGET = 1.1
"""CPU seconds of erp-feeds over those of curl, at most."""


@dataclass(frozen=True)
class Offer:
    """A file on a running server."""

    server: str
    port: int
    login: str
    password: str
    ca: Path
    path: str
    size: int
    """Bytes."""
    folder: Path
    """Where what was fetched is put; empty for each way."""
    connection: str
    """As Airflow reads it from the environment."""


def curl(offer: Offer) -> Figures:
    """Fetch with curl; its figures are those of its own process."""
    target = offer.folder / "curl"
    address = f"ftp://localhost:{offer.port}/{offer.path}"
    login = f"{offer.login}:{offer.password}"
    command = ["curl", "-sS", "--fail", "--ssl-reqd", "--cacert", str(offer.ca), "-u", login, address, "-o"]
    subprocess.run([*command, str(target)], check=True)
    return _fetched(target, offer, {"cpu": cpu(resource.RUSAGE_CHILDREN), "start": 0.0, "peak": 0.0})


def plain_ftplib(offer: Offer) -> Figures:
    """Fetch as a script does that knows of session reuse."""
    import ssl

    from resuming import Resuming

    start = cpu()
    target = offer.folder / "ftplib"
    with Resuming(context=ssl.create_default_context(cafile=offer.ca), timeout=30) as client:
        client.connect("localhost", offer.port)
        client.login(offer.login, offer.password)
        client.prot_p()
        with target.open("wb") as file:
            client.retrbinary(f"RETR {offer.path}", file.write)
    return _fetched(target, offer, {"cpu": cpu() - start, "start": start, "peak": peak()})


def erp_feeds(offer: Offer) -> Figures:
    """Fetch as the task `download` does."""
    os.environ |= {"ERP_FEEDS_HOME": str(offer.folder), "AIRFLOW_CONN_BENCH": offer.connection}
    from erp_feeds.ftps import FtpsHook
    from erp_feeds.storage import archive

    start = cpu()
    with FtpsHook("bench") as hook:
        kept = archive.save(hook.fetch(offer.path), "bench", "srs_customers", NAME)
    figures = {"cpu": cpu() - start, "start": start, "peak": peak()}
    return _fetched(Path(kept.url.removeprefix("file://")), offer, figures)


def _fetched(target: Path, offer: Offer, figures: Figures) -> Figures:
    """Make sure that all came, and leave the next way an empty disk."""
    if target.stat().st_size != offer.size:
        raise SystemExit(f"{target.stat().st_size} of {offer.size} bytes came")
    target.unlink()
    return figures


WAYS: dict[str, Callable[[Offer], Figures]] = {
    "curl": curl,
    "ftplib": plain_ftplib,
    "erp-feeds": erp_feeds,
}


@contextmanager
def served(megabytes: int, wanted: str) -> Iterator[Offer]:
    """Run a server that offers one file."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from servers.endpoint import EXPLICIT, PASSWORD
    from servers.ground import prepare
    from servers.pool import SERVERS, Pool

    home = Path(os.environ.get("ERP_FEEDS_HOME") or PROJECT / ".erp-feeds")
    with tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as place:
        folder = Path(place)
        (folder / "fetched").mkdir()
        (folder / "served").mkdir()
        folder.chmod(0o755)  # the servers work as a user without rights
        ground = prepare(folder / "served")
        file = ground.shared_folder("bench") / NAME
        with file.open("wb") as writing:
            for _ in range(megabytes):
                writing.write(os.urandom(1_000_000))
        with Pool(ground, home / "servers") as pool:
            known = {server.name: server for server in SERVERS}
            try:
                endpoint = pool.endpoint(known[wanted], EXPLICIT)
            except Exception as error:
                print(f"{wanted} cannot run here ({error}): pyftpdlib takes its place", file=sys.stderr)
                endpoint = pool.endpoint(known["pyftpdlib"], EXPLICIT)
            yield Offer(
                server=f"{endpoint.server.name} {endpoint.version}",
                port=endpoint.ports.control,
                login=endpoint.server.login,
                password=PASSWORD,
                ca=endpoint.ca,
                path=f"{endpoint.prefix}/bench/{NAME}",
                size=megabytes * 1_000_000,
                folder=folder / "fetched",
                connection=endpoint.connection(""),
            )


def main() -> None:
    """Measure every way in turn, round by round, and print the medians."""
    parser = parser_of(__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", default="vsftpd", help="vsftpd, proftpd, pure-ftpd or pyftpdlib")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    chosen = parser.parse_args()
    with served(chosen.megabytes, chosen.server) as offer:
        alone(erp_feeds, offer)  # nobody pays for the first reading of the file and of the libraries
        found = in_turn(WAYS, chosen.rounds, offer)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    base = median(found["curl"], "cpu")
    print(f"{chosen.megabytes:,} MB from {offer.server}")
    print(f"{'way':<18}{'CPU s':>8}{'x curl':>9}{'start':>8}{'peak MB':>9}")
    for way, figures in found.items():
        used, start, most = (median(figures, name) for name in ("cpu", "start", "peak"))
        memory = f"{most:.0f}" if most else "-"
        print(f"{way:<18}{used:>8.2f}{used / base:>9.2f}{start:>8.2f}{memory:>9}")
    print(f"target: erp-feeds within {TARGET} of curl")


if __name__ == "__main__":
    main()
