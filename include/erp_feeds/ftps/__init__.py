"""FTPS as real servers speak it: an Airflow hook on libcurl, which knows nothing of merchants."""

from erp_feeds.ftps.errors import ChangedError, FileGoneError, FileRefusedError, FolderRefusedError
from erp_feeds.ftps.hook import FtpsHook, normalised
from erp_feeds.ftps.listing import Entry, Listing, is_temporary

__all__ = [
    "ChangedError",
    "Entry",
    "FileGoneError",
    "FileRefusedError",
    "FolderRefusedError",
    "FtpsHook",
    "Listing",
    "is_temporary",
    "normalised",
]
