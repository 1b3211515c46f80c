"""What OpenLineage hears of a load: which elements fill which columns, how many, how good."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from erp_feeds.batch import Batch, Replay
from erp_feeds.demo import testshop
from erp_feeds.orchestration import assets, lineage
from support.openlineage import errors
from support.shop_fixtures import Shop

RUN = "01940000-0000-7000-8000-000000000000"


def event_of(shop: Shop, batch: Batch) -> dict[str, Any]:
    """The event as OpenLineage's own client writes it."""
    told = lineage.of_load(shop.merchant, batch)
    event = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-01-01T00:00:00Z",
        run=Run(RUN),
        job=Job("erp-feeds", "testshop.load"),
        inputs=told.inputs,
        outputs=told.outputs,
    )
    found: dict[str, Any] = json.loads(Serde.to_json(event))
    return found


def test_each_column_names_its_elements_and_the_numbers_are_those_of_the_load(shop: Shop) -> None:
    shop.place(*testshop.testshop_exports("TestShop"))
    batch = shop.run_tasks("run1")
    event = event_of(shop, batch)
    assert errors(event) == []
    assert errors({**event, "inputs": [{"namespace": 1}]}) == [
        "event.inputs[0].namespace: 1 is no str",
        "event.inputs[0]: no name",
    ]
    people = [value for each in testshop.CUSTOMERS for value in each.values() if "@" in value]
    assert not [value for value in people if value.lower() in json.dumps(event).lower()]
    check_columns(event)
    check_numbers(event)

    assert assets.changes(batch).keys() == {output["name"].rpartition(".")[2] for output in event["outputs"]}
    replayed = shop.run_tasks("run2", Replay(since=date(2017, 1, 1)))
    assert len(replayed.files) == len(batch.files)
    assert assets.changes(replayed) == {}
    assert {file.seconds for file in replayed.files} == {None}
    rows = [
        each["outputFacets"]["outputStatistics"]["rowCount"] for each in event_of(shop, replayed)["outputs"]
    ]
    assert set(rows) == {0}


def check_columns(event: dict[str, Any]) -> None:
    elements = {
        (each["namespace"], each["name"], field["name"])
        for each in event["inputs"]
        for field in each["facets"]["schema"]["fields"]
    }
    lineage = {}
    for output in event["outputs"]:
        columns = {field["name"]: field.get("fields", []) for field in output["facets"]["schema"]["fields"]}
        known = {*columns, *(f"custom.{field['name']}" for field in columns.get("custom", []))}
        fields = output["facets"]["columnLineage"]["fields"]
        assert fields.keys() <= known
        for column, made in fields.items():
            sources = [(each["namespace"], each["name"], each["field"]) for each in made["inputFields"]]
            assert {*sources} <= elements
            lineage[output["name"].rpartition(".")[2], column] = [source[2] for source in sources]
        assert output["outputFacets"]["outputStatistics"]["rowCount"] > 0
    assert lineage["profiles", "lastname"] == ["Infix", "LastName"]
    assert lineage["profiles", "custom.custom_street"] == ["Street"]
    assert lineage["identifiers", "value"] == ["CustomerNumber", "CustomerNumber"]
    assert lineage["purchases", "total"] == ["Lines/Line/Amount"]
    assert lineage["accounts", "invoice_to"] == ["InvoiceTo"]


def check_numbers(event: dict[str, Any]) -> None:
    """Counts and assertions are those of the run."""
    for each in event["inputs"]:
        facets = each["inputFacets"]
        metrics = facets["dataQualityMetrics"]
        assert facets["inputStatistics"]["rowCount"] == metrics["rowCount"] > 0
        assert facets["inputStatistics"]["fileCount"] == len(facets["subset"]["inputCondition"]["locations"])
        assert all(
            each["count"] + each["nullCount"] == metrics["rowCount"]
            for each in metrics["columnMetrics"].values()
        )
        assert {"assertion": "no_rejects", "success": True}.items() <= facets["dataQualityAssertions"][
            "assertions"
        ][0].items()
