"""The DAGs as Airflow sees them: exact edges, one per merchant file, and the house's policy."""

from __future__ import annotations

import itertools
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset
from airflow.sdk.exceptions import ParamValidationError
from airflow.task.priority_strategy import validate_and_load_priority_weight_strategy

from erp_feeds import dag as building
from erp_feeds.batch import PARAM, Replay
from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.merchant import Merchant
from erp_feeds.settings import INCLUDE
from support.merchants import OURS, copy_of_ours

DAGS = INCLUDE.parent / "dags"
LINE = ("sense", "download", "unzip", "parse", "deduplicate", "split", "load", "report")


def loaded(module: str = "merchant_feeds.py") -> dict[str, DAG]:
    """Run a file of the dags folder as Airflow's DAG processor does, and return its DAGs."""
    found = runpy.run_path(str(DAGS / module))
    return {dag.dag_id: dag for dag in found.values() if isinstance(dag, DAG)}


def weights_of(dag: DAG) -> dict[str, int]:
    """Return the weight of each task: where tasks wait for workers, Airflow starts the heaviest first."""
    return {
        task.task_id: validate_and_load_priority_weight_strategy(task.weight_rule).get_weight(
            SimpleNamespace(task=task)
        )
        for task in dag.tasks
    }


@pytest.fixture(autouse=True)
def merchants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the merchants' folder that a test may change."""
    folder = copy_of_ours(tmp_path / "merchants")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    return folder


def test_one_dag_per_merchant_file() -> None:
    assert sorted(loaded()) == list(OURS)


@pytest.fixture(params=OURS)
def dag(request: pytest.FixtureRequest) -> DAG:
    return loaded()[request.param]


class TestEveryDag:
    def test_has_exactly_the_edges_of_the_pipeline(self, dag: DAG) -> None:
        edges = {(task.task_id, below) for task in dag.tasks for below in task.downstream_task_ids}
        assert edges == {
            *itertools.pairwise(LINE),
            ("sense", "unzip"),
        }  # past `download` where all is archived

    def test_lets_a_run_end_before_the_next_begins_and_checks_before_both(self, dag: DAG) -> None:
        weights = weights_of(dag)
        assert sorted(LINE, key=lambda name: weights[name]) == list(LINE)
        checks = [weight for each in loaded("health.py").values() for weight in weights_of(each).values()]
        assert min(checks) > max(weights.values())

    def test_names_owner_tags_and_help(self, dag: DAG) -> None:
        assert all(task.owner not in ("", "airflow") for task in dag.tasks)
        assert "erp-feeds" in dag.tags
        linked = {task.task_id for task in dag.tasks if task.operator_extra_links}
        assert linked == {"load", "report"}
        assert "Is it safe to run again?" in (dag.doc_md or "")

    def test_retries_errors_but_never_bad_data(self, dag: DAG) -> None:
        for task in dag.tasks:
            assert task.retries >= 3
            assert task.retry_exponential_backoff
            policy = task.retry_policy
            assert policy is not None
            decision = policy.evaluate(FailError("refused"), try_number=1, max_tries=4)
            assert decision.action.value == "fail"
            assert policy.evaluate(OSError("gone"), try_number=1, max_tries=4).action.value != "fail"

    def test_alerts_on_every_task_and_stops_what_takes_too_long(self, dag: DAG) -> None:
        assert all(task.on_failure_callback and task.execution_timeout for task in dag.tasks)
        assert dag.dagrun_timeout

    def test_serialises_what_feels_the_store(self, dag: DAG) -> None:
        sense, load = dag.get_task("sense"), dag.get_task("load")
        assert (sense.max_active_tis_per_dag, load.max_active_tis_per_dag) == (2, 2)
        assert dag.max_active_runs >= 10_000  # the queued days of a backfill must hold up no new file
        assert not dag.catchup

    def test_asks_in_its_form_for_what_to_replay_and_by_default_for_nothing(self, dag: DAG) -> None:
        fields = {name.removeprefix(PARAM) for name in dag.params}
        assert fields == set(Replay.model_fields)
        assert Replay.from_params(dag.params.validate()) is None
        for name, wrong in {"since": "yesterday", "rejects": "nonsense", "files": "a.zip"}.items():
            with pytest.raises(ParamValidationError):
                dag.params.get_param(PARAM + name).resolve(wrong)
        assert dag.params.get_param(PARAM + "since").resolve("2017-01-01") == "2017-01-01"
        assert dag.params.get_param(PARAM + "rejects").resolve("too_many_rejects")

    def test_writes_its_tables_as_assets(self, dag: DAG) -> None:
        outlets = {asset.name for asset in dag.get_task("load").outlets}
        assert outlets >= {f"{dag.dag_id}.{name}" for name in ("profiles", "purchases", "purchase_lines")}
        assert [asset.name for asset in dag.get_task("sense").inlets] == [f"{dag.dag_id}.inbox"]


def test_a_copied_merchant_file_is_a_new_dag(merchants: Path) -> None:
    text = (merchants / "testshop.yaml").read_text().replace("name: testshop", "name: newshop")
    (merchants / "newshop.yaml").write_text(text)
    assert sorted(loaded()) == ["completejourney", "newshop", "testshop"]


def test_retention_is_next_to_the_pipeline_where_the_merchant_asks_for_it(merchants: Path) -> None:
    path = merchants / "testshop.yaml"
    path.write_text(path.read_text() + "retention: {archive_days: 400}\n")
    task = loaded()["testshop"].get_task("retention")
    assert not task.upstream_task_ids | task.downstream_task_ids
    assert task.on_failure_callback
    assert not loaded()["completejourney"].has_task("retention")


def test_a_bad_merchant_file_is_an_import_error_and_removes_no_other_dag(merchants: Path) -> None:
    text = (merchants / "testshop.yaml").read_text().replace("currency:", "curency:")
    (merchants / "newshop.yaml").write_text(text.replace("name: testshop", "name: newshop"))
    assert sorted(loaded()) == ["completejourney", "testshop"]
    with pytest.raises(ConfigurationError, match=r"newshop.yaml:8: curency .* did you mean 'currency'"):
        loaded("merchant_files.py")


@pytest.mark.parametrize("name", [".#testshop.yaml", "gone.yaml"])
def test_a_dangling_link_removes_no_dag(merchants: Path, name: str) -> None:
    (merchants / name).symlink_to("nowhere")
    assert sorted(loaded()) == ["completejourney", "testshop"]
    if name.startswith("."):
        assert loaded("merchant_files.py") == {}
    else:
        with pytest.raises(ConfigurationError, match=r"gone.yaml: cannot be read"):
            loaded("merchant_files.py")


@pytest.mark.parametrize("name", ["merchant", "build_dags", "globals", "dag", "name"])
def test_no_name_of_a_merchant_breaks_the_loader(merchants: Path, name: str) -> None:
    text = (merchants / "testshop.yaml").read_text().replace("name: testshop", f"name: {name}")
    (merchants / f"{name}.yaml").write_text(text)
    assert sorted(loaded()) == sorted(["completejourney", "testshop", name])


def test_a_dag_that_airflow_refuses_is_an_import_error_and_removes_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = building._pipeline

    def line(merchant: Merchant, inbox: Asset) -> None:
        whole(merchant, inbox)
        if merchant.name == "testshop":
            raise RuntimeError("half-built")

    monkeypatch.setattr(building, "_pipeline", line)
    assert list(loaded()) == ["completejourney"]
    with pytest.raises(
        ConfigurationError, match="testshop: Airflow rejects its DAG: RuntimeError: half-built"
    ):
        loaded("merchant_files.py")


def test_airflow_itself_takes_the_good_merchants_and_shows_the_bad_one(merchants: Path) -> None:
    (merchants / "gone.yaml").symlink_to("nowhere")
    bag = DagBag(dag_folder=DAGS)
    assert sorted(bag.dags) == ["completejourney", "erp_feeds_check", "erp_feeds_health", "testshop"]
    assert [Path(path).name for path in bag.import_errors] == ["merchant_files.py"]


def test_the_owner_is_linked_where_the_merchant_file_says_how(merchants: Path) -> None:
    path = merchants / "testshop.yaml"
    path.write_text(path.read_text() + "owner_link: mailto:retail-data@example.com\n")
    assert {name: dag.owner_links for name, dag in loaded().items()} == {
        "completejourney": {},
        "testshop": {"retail-data": "mailto:retail-data@example.com"},
    }


def test_a_dag_is_created_unpaused_unless_the_merchant_says_otherwise(merchants: Path) -> None:
    path = merchants / "testshop.yaml"
    path.write_text(path.read_text() + "paused: true\n")
    assert {name: dag.is_paused_upon_creation for name, dag in loaded().items()} == {
        "completejourney": False,
        "testshop": True,
    }


def test_good_files_are_no_import_error() -> None:
    assert loaded("merchant_files.py") == {}


def test_a_task_builds_only_its_own_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        dag_id = "testshop"

    monkeypatch.setattr(building, "get_parsing_context", Context)
    assert list(loaded()) == ["testshop"]


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_airflow_does_not_skip_the_file(path: Path) -> None:
    text = path.read_text().lower()
    assert "airflow" in text  # Airflow silently skips a file without these two words
    assert "dag" in text
