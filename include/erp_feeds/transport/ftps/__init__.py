"""FTPS as real servers speak it: a hook on top of Airflow's, which knows nothing of merchants."""

from erp_feeds.transport.ftps.faults import ChangedError, FileGoneError
from erp_feeds.transport.ftps.hook import FtpsHook, normalised
from erp_feeds.transport.ftps.listing import Entry, Listing, is_temporary

__all__ = ["ChangedError", "Entry", "FileGoneError", "FtpsHook", "Listing", "is_temporary", "normalised"]
