"""The pure steps: frame in, frame out; no Airflow, SQL, network or clock."""
