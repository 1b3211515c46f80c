"""The Airflow DAGs that check all merchants, and show what is open of them."""

from erp_feeds.orchestration.health import build_health_dags

globals().update({dag.dag_id: dag for dag in build_health_dags()})
