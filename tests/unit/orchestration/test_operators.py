"""Each task calls the function of its name with the batch of the task before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.batch import Batch, FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.operators import BatchOperator, UnzipOperator
from support.merchants import merchant_of

MERCHANT = merchant_of(interfaces={"srs_customers": {}})
NEW = FeedFile(file_id=1, interface="srs_customers", name="a.zip", size=1, index_number="1")
ARCHIVED = NEW.model_copy(update={"archived": "archive/a.zip"})


def batch(*files: FeedFile) -> Batch:
    return Batch(merchant="testshop", run="run", files=files)


def run(monkeypatch: pytest.MonkeyPatch, operator: BatchOperator, downloaded: Batch | None = None) -> Batch:
    """Run a task; return the batch that it took and handed on."""

    def body(merchant: Merchant, taken: Batch) -> Batch:
        assert merchant == MERCHANT
        return taken

    monkeypatch.setattr(tasks, operator.task_id, body)
    found = {"download": downloaded.to_xcom()} if downloaded else {}
    context: Any = {"ti": SimpleNamespace(xcom_pull=found.__getitem__)}
    return Batch.from_xcom(operator.execute(context))


def test_a_task_takes_the_batch_of_the_task_before(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = BatchOperator(task_id="parse", merchant=MERCHANT, batch=batch(ARCHIVED).to_xcom())
    assert run(monkeypatch, parse) == batch(ARCHIVED)


@pytest.mark.parametrize(
    ("sensed", "downloaded", "taken"),
    [
        (batch(NEW), batch(ARCHIVED), batch(ARCHIVED)),
        (batch(ARCHIVED), None, batch(ARCHIVED)),
        (batch(ARCHIVED), batch(), batch(ARCHIVED)),
    ],
    ids=["downloaded", "archived before", "archived before, downloaded by an earlier try"],
)
def test_unzip_takes_the_files_of_the_archive(
    monkeypatch: pytest.MonkeyPatch, sensed: Batch, downloaded: Batch | None, taken: Batch
) -> None:
    unzip = UnzipOperator(task_id="unzip", merchant=MERCHANT, batch=sensed.to_xcom())
    assert run(monkeypatch, unzip, downloaded) == taken
