"""What each page costs on a large store: CPU of the server that answers and of PostgreSQL, in milliseconds.

The application as Airflow's API server mounts it, on an embedded PostgreSQL with 100,000 files and 1,000,000
profiles of one merchant. Each page is asked some times; the median counts. Nothing is drawn: that is the
browser's work.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from measured import parser_of

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
LIMIT = 300.0
"""Milliseconds of a page, at most."""
ROUNDS = 5
ONE = "/merchants/testshop"
PAGES = (
    *("/", "/charts", ONE, f"{ONE}/files", f"{ONE}/files?state=quarantined", f"{ONE}/files/50000"),
    *(f"{ONE}/rejects", f"{ONE}/charts", f"{ONE}/runs/run5000", f"{ONE}/profiles/500000", f"{ONE}/accounts"),
    *(f"{ONE}/account?number=1000", f"{ONE}/mapping/srs_customers", f"{ONE}/settings", f"{ONE}/audit"),
    *(f"{ONE}/apps", f"{ONE}/connection"),
)


@contextmanager
def _filled_store(files: int, profiles: int) -> Iterator[int]:
    """Start PostgreSQL with a filled store, as Airflow's connection; yield the id of its main process."""
    import psycopg
    from psycopg import sql

    from erp_feeds.demo import postgres
    from erp_feeds.store import migrate

    with tempfile.TemporaryDirectory(prefix="erp-feeds-pages-") as place:
        folder = Path(place) / "postgres"
        try:
            uri = postgres.database(postgres.start(folder), "erp_feeds")
            migrate.migrate(uri)
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute("SET search_path = erp_feeds, public")
                text = (HERE / "pages.sql").read_text("utf-8")
                connection.execute(sql.SQL(text).format(files=files, profiles=profiles))
                connection.execute("VACUUM ANALYZE")
                main = psutil.Process(connection.info.backend_pid).ppid()
            os.environ["AIRFLOW_CONN_ERP_FEEDS_STORE"] = uri
            yield main
        finally:
            postgres.stop(folder)


def _cpu(database: int) -> float:
    """Return the milliseconds of CPU that this process and PostgreSQL have used so far."""
    processes = [psutil.Process(), *psutil.Process(database).children()]
    return 1000 * sum(sum(each.cpu_times()[:2]) for each in processes)


def _median(client: object, path: str, database: int) -> float:
    """Ask for a page several times, and return the CPU of one answer."""
    found = []
    for _ in range(ROUNDS + 1):
        before = _cpu(database)
        status = client.get(path).status_code  # type: ignore[attr-defined]
        found.append(_cpu(database) - before)
        if status != 200:
            raise SystemExit(f"{path}: answered with {status}")
    return statistics.median(found[1:])  # the first one compiles templates and reads the catalogue


def main() -> None:
    """Print one line a page; fail where one takes too much."""
    parser = parser_of(__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    given = parser.parse_args()
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    import conftest  # noqa: F401 - a home for Airflow, as the tests have it
    from support.airflow_web import airflow_web

    with _filled_store(given.files, given.profiles) as database, airflow_web():
        from airflow.api_fastapi.app import get_auth_manager, init_auth_manager
        from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        from erp_feeds.web import PREFIX, app

        root = FastAPI()
        init_auth_manager(root)
        root.mount(PREFIX, app)
        client = TestClient(root, base_url=f"http://testserver{PREFIX}", follow_redirects=False)
        user = SimpleAuthManagerUser(username="admin", role="admin")
        client.cookies.set(COOKIE_NAME_JWT_TOKEN, get_auth_manager().generate_jwt(user))
        found = {path: _median(client, path, database) for path in PAGES}
    print("\n".join(f"{milliseconds:6.0f} ms  {path}" for path, milliseconds in found.items()))
    if expensive := [path for path, milliseconds in found.items() if milliseconds > LIMIT]:
        sys.exit(f"more than {LIMIT:.0f} ms: {', '.join(expensive)}")


if __name__ == "__main__":
    main()
