"""Whatever a network does to downloads: every original is whole, byte for byte, and kept once."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from erp_feeds.errors import RetryError
from erp_feeds.ftps import FtpsHook
from erp_feeds.storage import archive
from support.cutting_proxy import CuttingProxy
from support.ftps_fixtures import RunningFtps

Connect = Callable[..., str]
FILES = 200
HARMLESS = "trickle"
EDGES = (0, 1, 16_383, 16_384, 65_535, 65_536, 65_537, 131_072, 3_000_000, 5_000_000)
"""Sizes beside those of TLS records and of our own blocks, and some large ones."""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive's folder of this interface."""
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", str(tmp_path / "archive"))
    return tmp_path / "archive" / "testshop" / "srs_customers"


def placed(root: Path, chance: random.Random) -> dict[str, bytes]:
    sizes = [*EDGES, *(int(10 ** chance.uniform(0, 5.8)) for _ in range(FILES - len(EDGES)))]
    contents = {f"TestShop_SRS_Customers_{n}.zip": chance.randbytes(size) for n, size in enumerate(sizes, 1)}
    for name, content in contents.items():
        (root / name).write_bytes(content)
    return contents


def fetched_as_a_task_does(hook: FtpsHook, name: str) -> str:
    """Archive a file; what is worth another try gets a few, as Airflow gives them."""
    for _ in range(5):
        try:
            return archive.save(hook.fetch(f"/{name}"), "testshop", "srs_customers", name).url
        except RetryError:
            continue
    raise AssertionError(f"{name} did not come in five attempts")


def test_200_downloads_through_cuts_at_random_places_are_whole(
    ftps: RunningFtps, ftps_connection: Connect, kept: Path
) -> None:
    contents = placed(ftps.root, random.Random(20170105))
    with CuttingProxy(ftps.server, seed=20170105) as proxy:
        connection = ftps_connection(port=proxy.port, extra={"timeout": 0.25})
        with FtpsHook(connection, tries=8, back_off=0.002) as hook:
            urls = [fetched_as_a_task_does(hook, name) for name in contents]
    archived = {path.name: path.read_bytes() for path in kept.iterdir()}
    expected = {
        f"{Path(name).stem}.{hashlib.sha256(content).hexdigest()[:16]}.zip": content
        for name, content in contents.items()
    }
    assert archived.keys() == expected.keys()  # none missing, none twice, nothing half-way
    assert archived == expected
    assert sorted(Path(url).name for url in urls) == sorted(expected)
    broken = {fault: times for fault, times in proxy.happened.items() if not fault.startswith(HARMLESS)}
    assert sum(broken.values()) > FILES / 2
    assert {fault.split()[0] for fault in broken} == {"fin", "reset", "refused", "stall"}
    assert {fault.split()[-1] for fault in broken} == {"data", "record", "control", "reply"}
