"""One Airflow DAG per merchant file: the loop, and nothing else."""

from erp_feeds.dag import build_dag, dags_to_build

for merchant in dags_to_build():
    globals()[merchant.name] = build_dag(merchant)
