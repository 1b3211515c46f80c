"""The environment as typed settings; every value has a default that works from a fresh clone."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from erp_feeds.errors import ConfigurationError, in_words

INCLUDE = Path(__file__).resolve().parents[1]
_CLONE = INCLUDE.parent
PROJECT = (
    _CLONE
    if (_CLONE / "pyproject.toml").exists()
    else Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
)
"""Folder of the Airflow project: the clone that holds this package; where it is installed, Airflow's home."""
PREFIX = "ERP_FEEDS_"
PAGES = "/erp-feeds"
"""Where Airflow's API server has our pages."""


class Settings(BaseSettings):
    """What a deployment may set, each as ERP_FEEDS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    home: Path = PROJECT / ".erp-feeds"
    """State of the embedded servers, and the default place of archive and staging."""
    merchants: Path = PROJECT / "include" / "merchants"
    """Folder with one YAML file per merchant."""
    archive: str = ""
    """Object storage URL of the originals, for example s3://bucket/archive."""
    staging: str = ""
    """Object storage URL of what the steps hand on; safe to empty between runs."""
    staging_days: int = Field(2, ge=1)
    """Days that staged files of a run are kept, so that a single task can be cleared and run again."""
    store_connection: str = "erp_feeds_store"
    """Airflow connection (type postgres) of the store."""
    airflow_connection: str = "erp_feeds_airflow"
    """Airflow connection (type http) of Airflow's own REST API, by which the command line starts replays."""
    forget_secret: str = ""
    """Secret part of the key under which suppressed identifiers are hashed; changing it stops loads."""
    health_schedule: str = "*/5 * * * *"
    """Cron (UTC) of the DAG `erp_feeds_check`, which looks for what is open, and alerts."""
    runbook: str = ""
    """Address of the runbook that alerts link to; by default our page of it."""
    ftps_address: str = Field("", pattern=r"^([^\s:/]+(:\d{1,5})?)?$")
    """Address (host:port) of the FTPS server of erp-feeds as ERP parties reach it; by default that of the
    connection by which erp-feeds reads."""
    lineage_store: str = "erp-feeds-store:5432/erp_feeds"
    """host:port/database that names the store in assets and lineage; a name, never connected to."""

    @model_validator(mode="before")
    @classmethod
    def _places_below_home(cls, values: dict[str, object]) -> dict[str, object]:
        """Put archive and staging below home where the environment says nothing else."""
        home = Path(str(values.get("home") or PROJECT / ".erp-feeds")).expanduser().absolute()
        # Not by as_uri: object storage takes %20 as it stands.
        places = {name: f"file://{home / name}" for name in ("archive", "staging")}
        return {**values, "home": home, **{name: values.get(name) or url for name, url in places.items()}}


def settings() -> Settings:
    """Return what the environment says now: a test or a task never sees another's values.

    Raises:
        ConfigurationError: a variable holds what it may not.
    """
    ours = ((name, value) for name, value in os.environ.items() if name.upper().startswith(PREFIX))
    return _settings(frozenset(ours))


@lru_cache(maxsize=8)  # building a DAG asks some twenty times
def _settings(environment: frozenset[tuple[str, str]]) -> Settings:  # noqa: ARG001 - what the result is of
    try:
        return Settings()
    except ValidationError as error:
        found = (
            f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {in_words(each)}" for each in error.errors()
        )
        raise ConfigurationError("\n".join(found), "invalid_setting") from None
