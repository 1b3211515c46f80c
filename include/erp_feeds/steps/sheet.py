"""The generated XSLT that turns a container of records into tab separated text, inside libxml2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from lxml import etree

from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces.spec import Field, Interface

ANY_NAMESPACE = "*"
"""For files that mix namespaces: match by local name alone, at two to three times the cost."""

COUNT, EXTRAS, CHILDREN, RECORD, LINE_NO = "#count", "#extras", "#children", "#record", "#line_no"
STRAYS = "#strays"
"""Columns beside the fields; '#' keeps them apart from every column name."""

SECTION_END = b"\n\n"
"""Ends the records; the lines follow. No row is empty, so an empty row can say so."""

_NAME = re.compile(r"[^\W\d][\w.\-]*")


def record_columns(interface: Interface) -> list[str]:
    """Return the columns of the text's record rows."""
    children = [CHILDREN, STRAYS] if interface.lines else []
    return [*(field.name for field in interface.fields), *children, COUNT, EXTRAS]


def line_columns(fields: Sequence[Field]) -> list[str]:
    """Return the columns of the text's line rows."""
    return [RECORD, LINE_NO, *(field.name for field in fields), COUNT, EXTRAS]


@lru_cache(maxsize=64)
def sheet(interface: Interface, namespace: str | None) -> etree.XSLT:
    """Return the sheet that writes the closed records of a container.

    Its text: one row with the foreign children, one row a record, an empty row, one row a line.
    A field is ' ' and its text, a missing one nothing, so that missing and empty stay apart; with elements in
    it, it is '  ' and all their text. Unknown elements
    are `  name=value`: normalised text holds no two blanks, so that is unambiguous. A repeated one is
    `  =name` but for its last occurrence. What is no line among the lines is `  name=`, and so is what is no
    record among the records, behind an 'x' that keeps that row from being empty.

    Args:
        interface: With the element names of the merchant.
        namespace: Of the records; None for none, ANY_NAMESPACE to match by local name.

    Parameters of the sheet:
        last: 1 where the last child of the container is closed too.
        most: Elements in a record or line above which its unknown ones are not looked for: that takes
            quadratic time.
    """
    names = _Names(namespace)
    record = interface.record_path[-1]
    elements = [field.element for field in interface.fields]
    line_path = interface.lines.path.split("/") if interface.lines else []
    row = [*map(names.column, elements)]
    if line_path:
        row.append(f'<xsl:if test="{names.child(line_path[0])}">x</xsl:if>')
        beside = "/".join([*map(names.child, line_path[:-1]), f"*[not({names.self(line_path[-1])})]"])
        row.append(_names_of(beside) if len(line_path) > 1 else "")
    body = f"""
<xsl:variable name="closed" select="*[position() &lt; last() or $last]"/>
<xsl:text>x</xsl:text>{_names_of(f"$closed[not({names.self(record)})]")}{_END}
<xsl:for-each select="$closed[{names.self(record)}]">{_row([*row, *_rest("record")])}</xsl:for-each>{_END}"""
    known = _template(names, [*elements, *line_path[:1]], "record")
    if interface.lines:
        line_elements = [field.element for field in interface.lines.fields]
        path = "/".join(map(names.child, line_path))
        numbers = ['<xsl:value-of select="$number"/>', '<xsl:value-of select="position()"/>']
        line = _row([*numbers, *map(names.column, line_elements), *_rest("line")])
        body += f"""<xsl:for-each select="$closed[{names.self(record)}]">
<xsl:variable name="number" select="position()"/>
<xsl:for-each select="{path}">{line}</xsl:for-each></xsl:for-each>"""
        known += _template(names, line_elements, "line")
    text = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"{names.binding}>
<xsl:output method="text" encoding="UTF-8"/><xsl:param name="last" select="0"/>
<xsl:param name="most" select="0"/>
<xsl:template match="/*">{body}</xsl:template>{known}</xsl:stylesheet>"""
    return etree.XSLT(etree.XML(text))


_TAB = "<xsl:text>&#9;</xsl:text>"
_END = "<xsl:text>&#10;</xsl:text>"


class _Names:
    """Writes the tests for element names of one namespace."""

    def __init__(self, namespace: str | None) -> None:
        self._any = namespace == ANY_NAMESPACE
        self._prefix = "n:" if namespace and not self._any else ""
        self.binding = f" xmlns:n={quoteattr(namespace)}" if namespace and self._prefix else ""

    def child(self, element: str) -> str:
        name = _checked(element)
        return f"*[local-name()='{name}']" if self._any else self._prefix + name

    def self(self, element: str) -> str:
        name = _checked(element)
        return f"local-name()='{name}'" if self._any else f"self::{self._prefix}{name}"

    def column(self, element: str) -> str:
        value = '<xsl:if test="*"><xsl:text> </xsl:text></xsl:if><xsl:value-of select="normalize-space()"/>'
        return f'<xsl:for-each select="{self.child(element)}[1]"><xsl:text> </xsl:text>{value}</xsl:for-each>'


def _row(cells: list[str]) -> str:
    return _TAB.join(cells) + _END


def _rest(mode: str) -> list[str]:
    """Return the cells that tell of repeated and unknown elements."""
    unknown = f'<xsl:if test="count(*) &lt;= $most"><xsl:apply-templates select="*" mode="{mode}"/></xsl:if>'
    return ['<xsl:value-of select="count(*)"/>', unknown]


def _names_of(path: str) -> str:
    """Return what writes the names of the elements of a path."""
    name = "<xsl:value-of select=\"concat('  ',local-name(),'=')\"/>"
    return f'<xsl:for-each select="{path}">{name}</xsl:for-each>'


def _template(names: _Names, known: list[str], mode: str) -> str:
    """Return templates that pass over known elements and write unknown ones; of repeated ones the last."""
    match = "|".join(map(names.child, dict.fromkeys(known)))
    return f"""<xsl:template match="{match}" mode="{mode}"/><xsl:template match="*" mode="{mode}">
<xsl:choose><xsl:when test="following-sibling::*[local-name()=local-name(current())]">
<xsl:value-of select="concat('  =',local-name())"/></xsl:when>
<xsl:otherwise><xsl:value-of select="concat('  ',local-name(),'=',normalize-space())"/></xsl:otherwise>
</xsl:choose></xsl:template>"""


def _checked(element: str) -> str:
    """Refuse an element name that XML cannot have: it would become a part of the sheet."""
    if not _NAME.fullmatch(element):
        raise ConfigurationError(f"'{element}' is no element name: letters, digits, '_', '-' and '.' only")
    return element
