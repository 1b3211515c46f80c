"""The settings node that some interfaces carry: who wrote the file, in which version."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lxml import etree

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Header


def declared_version(root: etree._Element, header: Header, accepted: Collection[str]) -> str | None:
    """Check the header and return the version it declares, or None where it declares none.

    Args:
        root: Root of the file, read up to the records at least.
        header: What the interface expects.
        accepted: Importer texts to accept besides the documented one.

    Raises:
        QuarantineError: missing_importer, wrong_importer, unsupported_version (rule: ERP cache 4).
    """
    settings = _child(root, header.element)
    importer = _text(settings, header.importer_element)
    version = _text(settings, header.version_element)
    if version and version not in header.versions:
        known = " and ".join(header.versions)
        raise QuarantineError(
            QuarantineCode.UNSUPPORTED_VERSION, f"{header.version_element} is none of those known: {known}"
        )
    if importer and importer not in (header.importer, *accepted):
        raise QuarantineError(
            QuarantineCode.WRONG_IMPORTER, f"{header.importer_element} is not {header.importer}"
        )
    if not importer and version and not is_newer(header.importer_required_since, version, header):
        raise QuarantineError(
            QuarantineCode.MISSING_IMPORTER, f"{header.importer_element} is required since version {version}"
        )
    return version or None


def is_newer(since: str, declared: str, header: Header) -> bool:
    """Return whether an element came after the declared version."""
    return header.versions.index(since) > header.versions.index(declared)


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    children: Iterable[etree._Element] = () if parent is None else parent.iterchildren("*")
    return next((child for child in children if etree.QName(child).localname == name), None)


def _text(parent: etree._Element | None, name: str) -> str:
    child = _child(parent, name)
    return "" if child is None else " ".join("".join(str(text) for text in child.itertext()).split())
