"""Shows only type and location of an internal error, never its text, which may quote data."""

from __future__ import annotations

import errno
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FeedError, QuarantineError, RetryError

log = logging.getLogger(__name__)

SAFE_ERRORS = (FeedError, OSError, MemoryError)
"""Errors whose text is written by this package or the system, and quotes no data."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def redact_errors(task: str) -> Iterator[None]:
    """Hide the text of internal errors from Airflow, which writes it to logs, alerts and lineage.

    Raises:
        RetryError: The software failed; the log says where. A retry may find other circumstances.
    """
    try:
        yield
    except SAFE_ERRORS:
        raise
    except Exception as error:  # any error: its text may quote data
        _log_location(f"task {task}", error)
        message = f"the software failed in {task} ({type(error).__name__}); the log of this task says where"
        raise RetryError(message, "internal_error") from None


def full_disk(error: OSError) -> QuarantineError:
    """Return why a file waits for disk space; any other system error is raised again."""
    if error.errno not in FULL:
        raise error
    reason = f"no room is left to write to ({os.strerror(error.errno or 0)})"
    return QuarantineError(QuarantineCode.NO_SPACE, reason)


def internal_error(file: str, error: Exception) -> QuarantineError:
    """Log an internal error on one file, and return why the file is quarantined."""
    _log_location(file, error)
    reason = f"the software failed on it ({type(error).__name__}); the log of this task says where"
    return QuarantineError(QuarantineCode.INTERNAL_ERROR, reason)


def _log_location(where: str, error: BaseException) -> None:
    """Log type and location of an error and of its causes."""
    behind: BaseException | None = error
    while behind is not None:
        location = "".join(traceback.format_tb(behind.__traceback__))
        log.error("Internal error on %s: %s at\n%s", where, type(behind).__name__, location)
        behind = behind.__cause__ or behind.__context__
