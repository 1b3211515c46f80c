"""Makes tasks start faster: Airflow reads this folder before it forks the first of them."""

import sys

from erp_feeds.orchestration.preload import preload

preload(sys.argv)
