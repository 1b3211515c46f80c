"""What the structure of a file may not exceed, whatever its records are: depth, attributes, namespaces."""

from __future__ import annotations

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.merchant import Limits


class StructureLimits:
    """Quarantines a file whose structure exceeds the limits; lxml calls `start_ns` and `end_ns`."""

    __slots__ = ("_limits", "_scope")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.begin_member()

    def begin_member(self) -> None:
        """Forget the member before."""
        self._scope = 0

    def start_ns(self, _prefix: str, _uri: str) -> None:
        """Count a namespace that comes into scope."""
        self._scope += 1
        if self._scope > self._limits.namespaces:
            reason = f"more than {self._limits.namespaces} namespaces are declared; see limits.namespaces"
            raise QuarantineError(QuarantineCode.TOO_MANY_NAMESPACES, reason)

    def end_ns(self, _prefix: str) -> None:
        """Count a namespace that goes out of scope."""
        self._scope -= 1

    def check_depth(self, depth: int) -> None:
        """Check an element that begins."""
        if depth > self._limits.depth:
            reason = f"elements lie more than {self._limits.depth} deep within each other; see limits.depth"
            raise QuarantineError(QuarantineCode.TOO_DEEP, reason)

    def check_attributes(self, number: int) -> None:
        """Check the attributes of an element."""
        if number > self._limits.attributes:
            reason = f"an element has more than {self._limits.attributes} attributes; see limits.attributes"
            raise QuarantineError(QuarantineCode.TOO_MANY_ATTRIBUTES, reason)
