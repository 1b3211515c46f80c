"""Uploads result files for the ERP party: whole or not at all, and only when they have changed."""

from __future__ import annotations

import hashlib
import posixpath
from typing import Protocol

from erp_feeds.ftps.hook import normalised
from erp_feeds.merchant import Feedback, Ftps


class Uploader(Protocol):
    """What an upload needs of an FTPS client."""

    def store_bytes(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        ...


def folder_of(ftps: Ftps, feedback: Feedback) -> str:
    """Return the folder of the results on the server."""
    return posixpath.join(normalised(ftps.root), feedback.folder)


def digest_of(folder: str, name: str, content: bytes) -> str:
    """Return what identifies an uploaded result; the folder counts, so a new folder gets its own."""
    return hashlib.sha256(f"{folder}/{name}\n".encode() + content).hexdigest()


def upload(hook: Uploader, folder: str, name: str, content: bytes) -> None:
    """Write a result file into a folder that is there, over an older one of its name.

    Raises:
        RetryError: The server cannot be reached for now, or kept less than was sent.
        FailError: The server refuses.
    """
    hook.store_bytes(posixpath.join(folder, name), content)
