"""Shows a merchant that has no DAG as an Airflow import error, beside the DAGs of all the good ones.

It stands apart from the loader of the DAGs, because an import error removes every DAG of the file that
raises it.
"""

from erp_feeds.dag import report_bad_merchants

report_bad_merchants()
