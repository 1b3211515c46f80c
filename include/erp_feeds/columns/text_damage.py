"""Finds text that a wrong conversion has damaged; it reports and never repairs."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.columns.arrow import Column, count_true, is_plain, is_true, text_bytes

LOST = "\\x7f\u0080-\u009f\ufffd"
"""A class of characters in the place of lost ones: control characters, which are Windows-1252 read as
Latin-1, and the replacement character."""

_REST = "\u0080-\u00bf" + "".join(
    sorted({bytes([each]).decode("cp1252", "ignore") for each in range(0x80, 0xA0)})
)
"""What the second and later bytes of UTF-8 become when each is read as Windows-1252 or Latin-1."""

_MOJIBAKE = rf"[ÂÃÄÅÎÏÐÑ][{_REST}]|â[€\x{{201a}}\x{{80}}\x{{82}}][{_REST}]|ï»¿|ð[Ÿ\x{{9f}}][{_REST}]"
"""'Ã«' for 'ë'. Only leading bytes that no word ends with: 'É”' and 'ß»' may be meant so."""


@dataclass(frozen=True)
class TextDamage:
    """Rows of a column whose text is damaged."""

    mojibake: Column
    lost: Column


def damage_of(text: Column) -> TextDamage | None:
    """Look for damage in a column; None where there is none, which costs next to nothing.

    Args:
        text: Null where there is nothing.
    """
    if is_plain(text_bytes(text)):
        return None
    odd = is_true(pc.or_(pc.invert(pc.string_is_ascii(text)), pc.match_substring(text, "\x7f")))
    if not count_true(odd):
        return None
    some = text.filter(odd)
    mojibake, lost = (pc.match_substring_regex(some, pattern) for pattern in (_MOJIBAKE, f"[{LOST}]"))
    if not (count_true(mojibake) or count_true(lost)):
        return None
    nowhere = pa.array([False] * len(text))
    return TextDamage(*(pc.replace_with_mask(nowhere, odd, found) for found in (mojibake, lost)))
