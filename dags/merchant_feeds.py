"""One Airflow DAG per merchant file: no name of a merchant can break the loop in `build_dags`."""

from erp_feeds.dag import build_dags

globals().update(build_dags())
