"""How a task fails for a person: with the error's own sentence, and no traceback.

Airflow prints the traceback of any exception but SystemExit; where the error has a message for people, the
traceback does not help them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from erp_feeds.errors import FailError, FeedError, RetryError

log = logging.getLogger(__name__)


class PlainFailure(SystemExit):
    """A failed attempt; Airflow tries again."""

    def __init__(self, error: FeedError) -> None:
        super().__init__(str(error))
        self.code = 1
        self.error = error
        """The error; its code lets alerts explain it."""


class PlainFatal(PlainFailure):
    """A failure that another attempt would not change: the task's retry policy fails it at once."""


RETRY_POLICY = ExceptionRetryPolicy(
    rules=[RetryRule(exception=error, action=RetryAction.FAIL) for error in (FailError, PlainFatal)]
)
"""Bad data and wrong settings stay bad: only transport and database errors are worth another try."""


@contextmanager
def plain_failures() -> Iterator[None]:
    """Log an error that has a message for people, and fail the task without its traceback."""
    try:
        yield
    except FailError as error:
        log.error("%s", error)  # noqa: TRY400 - no traceback is the purpose
        raise PlainFatal(error) from None
    except RetryError as error:
        log.error("%s", error)  # noqa: TRY400 - as above
        raise PlainFailure(error) from None
