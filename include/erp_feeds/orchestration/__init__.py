"""What Airflow calls: sensor, trigger, assets, alerts, connection form; and its REST API."""
