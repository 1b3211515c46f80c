"""The pure steps of the line: frame in, frame out; no Airflow, SQL, network or clock."""
