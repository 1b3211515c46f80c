"""The secret part of the key under which suppressed people are hashed: never empty, never in the store."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from erp_feeds.errors import FailError
from erp_feeds.settings import settings

NAME = "forget_secret"
"""File below ERP_FEEDS_HOME; back it up like the setting that it stands for."""


def secrets_in_use() -> tuple[str, ...]:
    """Return every secret under which digests may have been made, the current one last.

    The first, an empty one, is of digests that were made before a secret was needed. The setting wins over
    the file, which is made at the first use where neither exists; an editor may have added a line break.

    Raises:
        FailError: There is no setting, and the file is empty or cannot be made: who reads the store could try
            guesses.
    """
    path = settings().home / NAME
    setting = settings().forget_secret
    if not setting and not path.exists():
        try:
            _make(path)
        except OSError as error:
            message = f"{path} cannot be made ({error.strerror}): set ERP_FEEDS_FORGET_SECRET"
            raise FailError(message, "no_forget_secret") from None
    kept = path.read_text(encoding="ascii") if path.exists() else ""
    current = setting or kept.strip()
    if not current:
        message = (
            f"{path} is empty: restore it from its backup, set ERP_FEEDS_FORGET_SECRET, or delete the file "
            "where nobody was ever suppressed"
        )
        raise FailError(message, "no_forget_secret")
    return tuple(dict.fromkeys(("", kept, current)))


def _make(path: Path) -> None:
    """Make the file for its owner alone, whole or not at all; of two processes the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{NAME}-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
