"""The Airflow DAG that asks whether the rest of a file with too many rejects shall load."""

from erp_feeds.orchestration.approval import build_approval_dag

globals().update({dag.dag_id: dag for dag in build_approval_dag()})
