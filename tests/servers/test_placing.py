"""Result files for the ERP party: placed whole, again and again, or refused in words that say why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from erp_feeds.errors import FailError
from erp_feeds.ftps import FtpsHook
from servers.endpoint import Endpoint
from servers.ground import is_root
from servers.share import Share

Connect = Callable[..., str]
NAMES = ("TestShop_SRS_Customers_1.zip.result.xml", "a b \u00fcn\u00ef.zip.result.csv")
LARGE = bytes(range(256)) * 4_000
NOTHING_OVERWRITTEN = "AllowOverwrite off\n"
"""By this, its default, ProFTPD writes over no file, neither by STOR nor by a rename; others pass it over."""


def results(share: Share) -> dict[str, bytes]:
    folder = share.folder / "results"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".ftpaccess"}


def placed(client: FtpsHook, share: Share, name: str, content: bytes) -> None:
    folder = f"{share.path}/results"
    client.create_directory(folder)
    client.store_bytes(f"{folder}/{name}", content)


@pytest.mark.column("place")
@pytest.mark.parametrize("is_strict", [False, True], ids=["overwriting", "strict"])
def test_a_result_is_placed_and_placed_again_over_the_older(
    connect: Connect, share: Share, is_strict: bool
) -> None:
    if is_strict:
        (share.make("results") / ".ftpaccess").write_text(NOTHING_OVERWRITTEN)
    with FtpsHook(connect()) as client:
        for content in (LARGE, b"", b"shorter than before"):
            for name in NAMES:
                placed(client, share, name, content)
            assert results(share) == dict.fromkeys(NAMES, content)


@pytest.mark.column("place")
@pytest.mark.parametrize("is_strict", [False, True], ids=["overwriting", "strict"])
@pytest.mark.parametrize("left", ["", ".part"], ids=["before the rename", "between removal and rename"])
def test_what_a_killed_upload_left_is_in_nobodys_way(
    connect: Connect, share: Share, is_strict: bool, left: str
) -> None:
    folder = share.make("results")
    if is_strict:
        (folder / ".ftpaccess").write_text(NOTHING_OVERWRITTEN)
    with FtpsHook(connect()) as client:
        placed(client, share, NAMES[0], b"older")
        placed(client, share, NAMES[0] + ".part", b"half of the new")
        if left:
            client.delete_file(f"{share.path}/results/{NAMES[0]}")
        placed(client, share, NAMES[0], b"all of the new")
    assert results(share) == {NAMES[0]: b"all of the new"}


@pytest.mark.column("place")
def test_a_folder_that_is_not_there_is_refused_and_nothing_lies_elsewhere(
    connect: Connect, share: Share
) -> None:
    with FtpsHook(connect()) as client:
        with pytest.raises(
            FailError, match=r"missing/a\.xml: the server answers with an error: '55\d"
        ) as refusal:
            client.store_bytes(f"{share.path}/missing/a.xml", b"content")
        assert refusal.value.code == "refused"
        placed(client, share, "a.xml", b"content")  # the next one is served all the same
    assert results(share) == {"a.xml": b"content"}
    assert [path.name for path in share.folder.iterdir()] == ["results"]


@pytest.mark.column("place")
def test_where_nothing_may_be_stored_that_is_said_and_the_older_result_stays(
    connect: Connect, endpoint: Endpoint, share: Share
) -> None:
    if not endpoint.server.is_packaged and is_root():
        return  # pyftpdlib runs in our own process, and root may store everywhere
    folder = share.make("results")
    with FtpsHook(connect()) as client:
        placed(client, share, "a.xml", b"older")
        folder.chmod(0o555)
        with pytest.raises(
            FailError, match=r"results/a\.xml: the server answers with an error: '55\d"
        ) as refusal:
            placed(client, share, "a.xml", b"newer")
    folder.chmod(0o777)
    assert refusal.value.code == "refused"
    assert results(share) == {"a.xml": b"older"}
