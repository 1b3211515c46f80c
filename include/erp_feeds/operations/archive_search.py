"""Finds the archived originals that hold a person: all are read, since rows name only the last file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.operations.erasure import Original
from erp_feeds.storage import archive, zips
from erp_feeds.xml.person_search import PersonIdentifiers, member_mentions


def holding(
    merchant: Merchant,
    interfaces: Mapping[str, Interface],
    originals: Iterable[Original],
    person: PersonIdentifiers,
) -> Iterator[Original]:
    """Yield the originals that mention a person, and those that cannot be read and so may.

    Each is unzipped and read to the first mention: seconds for a million records. None is changed.

    Args:
        merchant: Whose files they are.
        interfaces: By name, with the element names of the merchant; those switched off by now too.
        originals: In the archive.
        person: By what the files may mention them.
    """
    for original in originals:
        try:
            if _holds(merchant, interfaces[original.interface], original, person):
                yield original
        except QuarantineError:
            yield replace(original, found_by="unreadable")


def _holds(merchant: Merchant, interface: Interface, original: Original, person: PersonIdentifiers) -> bool:
    with archive.open_original(original.archived) as file:
        members = zips.members(file, original.file, interface, merchant)
        return any(member_mentions(source, interface, person) for source in members.sources())
