"""The Airflow DAG that shows what is open of all merchants: quarantines, rejects, late feeds."""

from erp_feeds.orchestration.health import build_health_dag

dag = build_health_dag()
