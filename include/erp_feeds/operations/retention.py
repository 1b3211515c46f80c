"""Retention: the archived originals that a merchant may not keep any longer are deleted, on schedule."""

from __future__ import annotations

import logging

from erp_feeds.merchant import Merchant
from erp_feeds.redaction import redact_errors
from erp_feeds.storage import archive
from erp_feeds.store import connection as store
from erp_feeds.store import retention

log = logging.getLogger(__name__)


@redact_errors("retention")
def delete_expired(merchant: Merchant) -> int:
    """Delete the originals older than the merchant's `retention.archive_days`; return how many.

    What was loaded of them stays; a replay of their days says that they were deleted. Quarantined ones go
    too: the limit is one of law, and leaves as many days to fix them. A file that is not finished stays.
    """
    days = merchant.retention.archive_days
    if days is None:
        return 0
    with store.connect() as connection:
        due = retention.expired(connection, merchant.name, days)
        dropped = [
            url for url in due if retention.drop_original(connection, merchant.name, url, archive.delete)
        ]
    log.info("Deleted %d originals that were received more than %d days ago", len(dropped), days)
    return len(dropped)
