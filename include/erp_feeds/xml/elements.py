"""The second pass over a member, for the few records whose XML itself is wanted: a tree, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.xml.feed import CHUNK, SAFE, doctype_error, feed, read_head


def children(
    source: BinaryIO, interface: Interface, *, chunk: int = CHUNK, read_before: bool = False
) -> Iterator[list[etree._Element]]:
    """Yield the records, and what stands among them, piece by piece; each piece is valid until the next.

    Args:
        source: Bytes of the member.
        interface: With the element names of the merchant.
        chunk: Bytes fed at a time.
        read_before: Whether the member has been read within its limits: libxml2's own do not count then, and
            comments and processing instructions stay.

    Raises:
        QuarantineError: doctype, wrong_structure, and what the parser finds wrong.
    """
    path = interface.record_path[:-1]
    options = {**SAFE, "huge_tree": read_before}
    parser = etree.XMLPullParser(
        events=("start",), tag=tuple(f"{{*}}{name}" for name in path), remove_comments=not read_before,
        remove_pis=not read_before, **options,
    )  # fmt: skip
    container: etree._Element | None = None
    for _ in feed(parser, read_head(source, chunk), source, chunk):
        for _, element in parser.read_events():
            if container is None and isinstance(element, etree._Element):
                container = _container(element, path)
        closed = [] if container is None else list(container.iterchildren("*"))[:-1]
        if container is not None and closed:
            yield closed
            del container[: container.index(closed[-1]) + 1]
    if container is None:
        raise QuarantineError(QuarantineCode.WRONG_STRUCTURE, f"no {'/'.join(path)} with records")
    yield list(container.iterchildren("*"))


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def line_of(element: etree._Element) -> int:
    """Return the line on which an element starts."""
    line = element.sourceline
    return line if isinstance(line, int) else 0


def _container(element: etree._Element, path: tuple[str, ...]) -> etree._Element | None:
    """Return the element where its path is that of the records' container."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise doctype_error()
    names = [local_name(element), *map(local_name, element.iterancestors())]
    return element if tuple(reversed(names)) == path else None
