"""Whether the records of a file carry the elements that say whose they are, under whatever name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.element_errors import ELEMENT_NAME
from erp_feeds.interfaces.spec import Interface
from erp_feeds.xml.schema_drift import LONGEST_NAME

MOST_NAMES = 5
"""Unknown elements that the reason names."""


class Identifiers:
    """Finds files that would load as nothing, since their ERP has other names for it (rule: files 18).

    Only where none of the elements is required: else each record is rejected, and nobody overlooks it. A
    purchase may be anybody's, so that a file without any number is no error: its key is made of other fields.
    """

    def __init__(self, interface: Interface) -> None:
        fields = [field for field in interface.fields if field.name in interface.key]
        self._fields = [] if any(field.required for field in fields) else fields
        self._identified: set[int] = set()
        self._unknown: dict[int, Counter[str]] = {}

    def note(self, file: int, known: Mapping[str, int], unknown: Mapping[str, int]) -> None:
        """Add records of a file: field -> in how many of them; unknown element -> how often."""
        if any(known[field.name] for field in self._fields):
            self._identified.add(file)
        self._unknown.setdefault(file, Counter()).update(unknown)

    def check(self) -> None:
        """Quarantine a file whose records have no identifying element, but elements that nobody knows.

        Raises:
            QuarantineError: unknown_identifiers.
        """
        for file, unknown in self._unknown.items():
            names = [name for name, _ in unknown.most_common() if ELEMENT_NAME.fullmatch(name)]
            if names and self._fields and file not in self._identified:
                wanted = " or ".join(field.element for field in self._fields)
                shown = ", ".join(name[:LONGEST_NAME] for name in names[:MOST_NAMES])
                more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
                reason = f"its records have no {wanted}, but the unknown {shown}{more}"
                raise QuarantineError(QuarantineCode.UNKNOWN_IDENTIFIERS, reason)
