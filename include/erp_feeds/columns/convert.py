"""How text becomes a value: a reader for each type of an element."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import RejectCode
from erp_feeds.columns.arrow import (
    Column,
    count_true,
    is_one_of,
    is_plain,
    is_true,
    longest,
    text_bytes,
    type_of,
    without,
)
from erp_feeds.columns.text_damage import LOST, damage_of
from erp_feeds.interfaces.spec import ISO_DATE, LONGEST_IDENTIFIER, Field, FieldType
from erp_feeds.merchant.values import KELVIN


@dataclass(frozen=True)
class FieldError:
    """Rows that break a rule."""

    mask: Column
    code: RejectCode
    field: str
    reason: Any
    """Plain words, for all rows or a column with one for each; never the value itself."""


def missing_field(mask: Column, field: str, empty: Column | None, text: str) -> FieldError:
    """Reject rows that lack a field, each with whether its element is missing or empty.

    Args:
        mask: Rows without a value.
        field: The column.
        empty: Rows whose element is there and empty; None: there are none.
        text: What requires the field.
    """
    missing = f"{text}, but missing"
    reason = missing if empty is None else pc.if_else(empty, f"{text}, but empty", missing)
    return FieldError(mask, RejectCode.MISSING_FIELD, field, reason)


@dataclass(frozen=True)
class Reading:
    """A column's values, null where there is none or it is invalid."""

    values: Column
    errors: list[FieldError] = field(default_factory=list)
    unknown: Column | None = None
    """Rows whose value means nothing here and was left out."""


def read_values(spec: Field, text: Column) -> Reading:
    """Read a column of text, in which null stands for missing and for empty.

    Args:
        spec: The declared field.
        text: Trimmed text.

    Returns:
        Values of the field's type, and the rows that break its rules.
    """
    if text.null_count == len(text):
        return Reading(pa.nulls(len(text), type_of(spec)))
    return _READERS[spec.type](spec, text)


def matches(text: Column, pattern: str) -> Column:
    """Return where the whole text has the form of a pattern; null has none."""
    return is_true(pc.match_substring_regex(text, f"^(?:{pattern})$"))


def _not_matching(text: Column, pattern: str) -> Column:
    return pc.and_(text.is_valid(), pc.invert(matches(text, pattern)))


def _text(_: Field, text: Column) -> Reading:
    return Reading(text)


SCIENTIFIC = r"-?[0-9]+(?:[eE]\+[0-9]+|[.,][0-9]+[eE][+-]?[0-9]+)"
"""What a spreadsheet makes of a long number. A bare 1E5 may be a code, so it passes."""


def _identifier(spec: Field, text: Column) -> Reading:
    """Keep numbers as text: 00123 and 123 differ (rule: customers 8)."""
    if (damage := damage_of(text)) and count_true(damage.lost):
        reading = _identifier(spec, without(text, damage.lost))
        return replace(reading, errors=[*reading.errors, _damaged_identifier(spec, damage.lost)])
    read = text_bytes(text)
    if is_plain(read) and not any(each in read for each in b".,eE") and longest(text) <= LONGEST_IDENTIFIER:
        return Reading(text)
    damaged = pc.or_(matches(text, SCIENTIFIC), _no_plain_number(spec, text))
    too_long = is_true(pc.greater(pc.utf8_length(text), LONGEST_IDENTIFIER))
    if not count_true(pc.or_(damaged, too_long)):
        return Reading(text)
    reason = (
        "a spreadsheet has rewritten the number (1.23E+05, 123.0), or it holds digits that are not ASCII or "
        "invisible characters"
    )
    errors = [
        FieldError(damaged, RejectCode.MALFORMED_NUMBER, spec.name, reason),
        FieldError(
            too_long, RejectCode.OUT_OF_RANGE, spec.name, f"is longer than {LONGEST_IDENTIFIER} characters"
        ),
    ]
    return Reading(without(text, pc.or_(damaged, too_long)), errors)


def _no_plain_number(spec: Field, text: Column) -> Column:
    """Return where a number came through a spreadsheet's decimals, or is not what it looks like."""
    may_be = spec.name == "sku"  # an article may be named so
    decimals = pc.and_(matches(text, r"[0-9]+\.0+"), not may_be)
    ascii_only = pc.fill_null(pc.string_is_ascii(text), fill_value=True)
    if count_true(ascii_only) == len(text):
        return decimals
    others = pc.replace_substring_regex(without(text, ascii_only), "[0-9]", "")
    return pc.or_(decimals, is_true(pc.match_substring_regex(others, r"[\p{Nd}\p{Cf}]")))


def _damaged_identifier(spec: Field, mask: Column) -> FieldError:
    """Reject a damaged identifier: it would name somebody or something else."""
    reason = "holds a control character or U+FFFD: a conversion lost characters before the file was delivered"
    return FieldError(mask, RejectCode.DAMAGED_TEXT, spec.name, reason)


_ATOM = rf'[^@\s\pZ\p{{Cf}}.,;:<>()\[\]\\"{LOST}]+'
_EMAIL = rf"{_ATOM}(?:\.{_ATOM})*@(?:[\pL\pN](?:[\pL\pN-]*[\pL\pN])?\.)+\pL[\pL\pN-]*[\pL\pN]"
_EMAIL_ASCII = r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+[.-])+[a-z]+[a-z]"
"""Nearly every address; the full pattern is five times slower and sees only what is left."""


_LONGEST_LOCAL_PART = 64
"""Characters before the @, by RFC 5321."""


def matched_emails(text: Column) -> Column:
    """Return trimmed addresses as `merchant.matched_email` does one (rule: customers 7)."""
    if count_true(pc.string_is_ascii(text)) < len(text) - text.null_count:
        kept = is_true(pc.match_substring(text, KELVIN))
        text = pc.if_else(kept, text, pc.utf8_normalize(text, form="NFC"))
    return pc.ascii_lower(text)


def _email(spec: Field, text: Column) -> Reading:
    """Check the form of an address as addresses are compared, not its existence (rule: customers 7)."""
    lowered = matched_emails(text)
    bad = _not_matching(lowered, _EMAIL_ASCII)
    if count_true(bad):
        bad = pc.and_(bad, _not_matching(without(lowered, pc.invert(bad)), _EMAIL))
    if longest(lowered) > _LONGEST_LOCAL_PART:
        too_long = pc.greater(pc.utf8_length(lowered), 254)
        crowded = pc.match_substring_regex(lowered, f"^[^@]{{{_LONGEST_LOCAL_PART + 1}}}")
        bad = is_true(pc.or_(bad, pc.or_(too_long, crowded)))
    reason = "is not an e-mail address"
    return Reading(without(lowered, bad), [FieldError(bad, RejectCode.INVALID_EMAIL, spec.name, reason)])


def _decimal(spec: Field, text: Column) -> Reading:
    """Read #,###.## with a point and optional groups of three (rule: ERP cache 3)."""
    precision, scale = spec.digits
    number = rf"-?(?:(?:[0-9]+|[0-9]{{1,3}}(?:,[0-9]{{3}})+)(?:\.[0-9]{{1,{scale}}})?|\.[0-9]{{1,{scale}}})"
    bad = _not_matching(text, number)
    plain = without(text, bad)
    if b"," in text_bytes(plain):
        plain = pc.replace_substring(plain, ",", "")
    outside = pc.and_(bad, False)  # noqa: FBT003 - nowhere
    if longest(plain) > precision - scale:
        outside = _not_matching(plain, rf"-?0*[0-9]{{0,{precision - scale}}}(?:\.[0-9]+)?")
    values = pc.cast(without(plain, outside), type_of(spec))
    if spec.minimum is not None:
        outside = pc.or_(outside, is_true(pc.less(values, pa.scalar(Decimal(spec.minimum)))))
    if spec.maximum is not None:
        outside = pc.or_(outside, is_true(pc.greater(values, pa.scalar(Decimal(spec.maximum)))))
    reason = f"is not a number such as 1,234.50 with at most {scale} decimals"
    errors = [
        FieldError(bad, RejectCode.INVALID_DECIMAL, spec.name, reason),
        FieldError(outside, RejectCode.OUT_OF_RANGE, spec.name, _range(spec)),
    ]
    return Reading(without(values, outside), errors)


def _range(spec: Field) -> str:
    low = "" if spec.minimum is None else f" below {spec.minimum}"
    high = "" if spec.maximum is None else f" above {spec.maximum}"
    return f"is{low} or{high}".replace("is or", "is") if low or high else "has too many digits"


_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NO_DAY = date(1, 1, 1)
"""What .NET writes where it has no day or moment."""


def _real_days(text: Column) -> Column:
    """Return days since 1970, null where the text is no day yyyy-MM-dd that the calendar has."""
    try:
        days = pc.cast(text, pa.date32())
    except pa.ArrowInvalid:  # it does not say which; strptime reads 30 February as 2 March
        formed = without(text, _not_matching(text, _DATE))
        moments = pc.strptime(formed, format="%Y-%m-%d", unit="s", error_is_null=True)
        days = pc.cast(moments, pa.date32())
        days = without(days, pc.invert(is_true(pc.equal(pc.cast(days, pa.string()), formed))))
    return without(days, is_true(pc.starts_with(text, "0000")))


def _date(spec: Field, text: Column) -> Reading:
    """Read real days only, yyyy-MM-dd (rule: ERP cache 3) or in the form that a mapping names."""
    days = _real_days(text if spec.date_form == ISO_DATE else _iso_days(spec.date_form, text))
    bad = pc.and_(text.is_valid(), days.is_null())
    reason = f"is no day of the form {form_words(spec.date_form)}"
    none = is_true(pc.equal(days, pa.scalar(_NO_DAY)))
    return Reading(without(days, none), [FieldError(bad, RejectCode.INVALID_DATE, spec.name, reason)], none)


_DATE_PARTS = {"%d": ("dd", "[0-9]{2}"), "%m": ("MM", "[0-9]{2}"), "%Y": ("yyyy", "[0-9]{4}")}


def form_words(form: str) -> str:
    """Return a date form as people write it: dd-MM-yyyy for %d-%m-%Y."""
    for part, (word, _) in _DATE_PARTS.items():
        form = form.replace(part, word)
    return form


def _iso_days(form: str, text: Column) -> Column:
    """Turn days of another form into yyyy-MM-dd; null where the text has not that form."""
    order = re.findall("%[dmY]", form)
    pattern = re.escape(form)
    for part, (_, digits) in _DATE_PARTS.items():
        pattern = pattern.replace(part, f"({digits})")
    formed = without(text, _not_matching(text, pattern))
    year, month, day = (order.index(part) + 1 for part in ("%Y", "%m", "%d"))
    return pc.replace_substring_regex(formed, f"^{pattern}$", rf"\{year}-\{month}-\{day}")


_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
ZONE = r"Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9]"


def _datetime(spec: Field, text: Column) -> Reading:
    """Check a moment but keep its text, of which an offline order id is made (rule: purchases 5)."""
    formed = without(text, _not_matching(text, rf"{_DATE}(?:[T ]{_TIME}(?:{ZONE})?)?"))
    formed = without(formed, is_true(pc.starts_with(formed, _NO_DAY.isoformat())))
    bad = pc.and_(text.is_valid(), _real_days(pc.utf8_slice_codeunits(formed, 0, 10)).is_null())
    reason = "is no moment of the form yyyy-MM-ddTHH:mm:ss"
    return Reading(without(text, bad), [FieldError(bad, RejectCode.INVALID_DATETIME, spec.name, reason)])


_YES = ("yes", "ja", "true", "1", "y", "j")
_NO = ("no", "nee", "false", "0", "n")


def _yes_no(_: Field, text: Column) -> Reading:
    """Read consent; what is neither yes nor no is unknown: consent is never invented (rule: customers 10)."""
    lowered = pc.utf8_lower(text)
    yes = is_one_of(lowered, _YES)
    known = pc.or_(yes, is_one_of(lowered, _NO))
    unknown = pc.and_(text.is_valid(), pc.invert(known))
    return Reading(without(yes, pc.invert(known)), unknown=unknown)


_READERS: Mapping[FieldType, Callable[[Field, Column], Reading]] = {
    FieldType.TEXT: _text,
    FieldType.IDENTIFIER: _identifier,
    FieldType.EMAIL: _email,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.DECIMAL: _decimal,
    FieldType.YES_NO: _yes_no,
}
