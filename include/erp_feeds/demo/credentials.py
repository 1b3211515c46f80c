"""Passwords and keys of the demo, made once per home and readable by nobody else."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

KEY_BYTES = 64
"""Airflow signs its tokens with HS512, which wants a key of at least 64 bytes."""


class Credentials(BaseModel):
    """Everything secret that the demo's processes share."""

    model_config = ConfigDict(frozen=True)

    admin_password: str
    jwt_secret: str
    api_secret: str
    fernet_key: str
    ftps: dict[str, str]
    """Login -> password: of each merchant's ERP party, and the reader of erp-feeds."""


def credentials(path: Path, users: Iterable[str]) -> Credentials:
    """Read the credentials of a home, making the file and any missing FTPS login's password."""
    kept = Credentials.model_validate_json(path.read_text("utf-8")) if path.exists() else _fresh()
    passwords = {user: kept.ftps.get(user) or secrets.token_urlsafe(12) for user in users}
    made = kept.model_copy(update={"ftps": {**kept.ftps, **passwords}})
    if made != kept or not path.exists():
        write_private(path, made.model_dump_json(indent=2) + "\n")
    return made


def write_admin_file(path: Path, made: Credentials) -> Path:
    """Write the file in which Airflow's simple auth manager looks for passwords; return it."""
    write_private(path, json.dumps({"admin": made.admin_password}) + "\n")
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that is 0600 from its first byte on; a reader sees the old text or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


def _fresh() -> Credentials:
    return Credentials(
        admin_password=secrets.token_urlsafe(9),
        jwt_secret=secrets.token_hex(KEY_BYTES),
        api_secret=secrets.token_hex(32),
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        ftps={},
    )
