"""What a fault of the software may say: its kind and place, never its own words, which may quote the data."""

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

PLAIN = (FeedError, OSError, MemoryError)
"""Their words are ours, or of the machine."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def discreet(task: str) -> Iterator[None]:
    """Keep the words of a fault from Airflow, which prints them to the log, into alerts and into lineage.

    Raises:
        RetryError: The software failed; the log says where. A retry may find other circumstances.
    """
    try:
        yield
    except PLAIN:
        raise
    except Exception as fault:  # whatever it is: nobody knows what it quotes
        _log_place(f"task {task}", fault)
        message = f"the software failed in {task} ({type(fault).__name__}); the log of this task says where"
        raise RetryError(message, "internal_error") from None


def full_disk(fault: OSError) -> QuarantineError:
    """Return why a file waits for room on a disk; any other fault of the machine is raised again."""
    if fault.errno not in FULL:
        raise fault
    reason = f"no room is left to write to ({os.strerror(fault.errno or 0)})"
    return QuarantineError(QuarantineCode.NO_SPACE, reason)


def poisonous(file: str, fault: Exception) -> QuarantineError:
    """Log where the software failed on one file, and return why that is set aside."""
    _log_place(file, fault)
    reason = f"the software failed on it ({type(fault).__name__}); the log of this task says where"
    return QuarantineError(QuarantineCode.INTERNAL_ERROR, reason)


def _log_place(where: str, fault: BaseException) -> None:
    """Log kind and place of a fault, and of those behind it."""
    behind: BaseException | None = fault
    while behind is not None:
        place = "".join(traceback.format_tb(behind.__traceback__))
        log.error("The software failed on %s: %s at\n%s", where, type(behind).__name__, place)
        behind = behind.__cause__ or behind.__context__
