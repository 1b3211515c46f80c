"""The settings node that some interfaces carry: who wrote the file, in which version."""

from __future__ import annotations

from collections.abc import Collection

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Header
from erp_feeds.xml.rows import Settings


def declared_version(settings: Settings, header: Header, accepted: Collection[str]) -> str | None:
    """Check the header and return the version it declares, or None where it declares none.

    Args:
        settings: Texts of the importer and of the version in each settings node that has been read.
        header: What the interface expects.
        accepted: Importer texts to accept besides the documented one.

    Raises:
        QuarantineError: wrong_structure, missing_importer, wrong_importer, unsupported_version
            (rule: ERP cache 4).
    """
    importer = _only(header.element, [importer for importer, _ in settings])
    version = _only(header.element, [version for _, version in settings])
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


def _only(element: str, texts: list[str]) -> str:
    """Return the one text that the nodes give; two that differ contradict each other."""
    given = sorted({text for text in texts if text})
    if len(given) > 1:
        raise QuarantineError(QuarantineCode.WRONG_STRUCTURE, f"several {element} contradict each other")
    return given[0] if given else ""
