"""What people mean by a text: one way for each transform of a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pycountry

from erp_feeds.columns.arrow import Column, is_true, without
from erp_feeds.columns.convert import matches
from erp_feeds.columns.words import COUNTRIES, GENDER_OF, LANGUAGES


def _gender(column: Column) -> Column:
    """Return M, F or U (rule: customers 11)."""
    return _by_unique_value(column, lambda value: GENDER_OF.get(value.lower().rstrip(".")))


def _country_code(value: str) -> str | None:
    if code := COUNTRIES.get(value.lower()):
        return code
    try:
        return str(pycountry.countries.lookup(value).alpha_2)
    except LookupError:
        return None


def _country(column: Column) -> Column:
    """Return the alpha-2 code of codes and names (rule: customers 11)."""
    return _by_unique_value(column, _country_code)


def _language_code(value: str) -> str | None:
    if code := LANGUAGES.get(value.lower()):
        return code
    locale = value.replace("_", "-").partition("-")[0]
    # Field by field, codes first: a language of Vietnam bears the name En.
    wanted = ({"alpha_2": locale}, {"alpha_3": locale}, {"bibliographic": locale}, {"name": value})
    found = next((language for each in wanted if (language := pycountry.languages.get(**each))), None)
    return getattr(found, "alpha_2", None)


def _language(column: Column) -> Column:
    """Return the ISO 639-1 code of codes, locales and names (rule: customers 11, unknown is left out)."""
    return _by_unique_value(column, _language_code)


def _currency(column: Column) -> Column:
    """Return three-letter codes in upper case."""
    upper = pc.utf8_upper(column)
    return without(upper, pc.invert(matches(upper, "[A-Z]{3}")))


_LONGEST_PHONE = 17
"""Digits: fifteen by ITU-T E.164, and 00 before them."""


def _phone(column: Column) -> Column:
    """Keep digits, - and +; the (0) that nobody dials behind a country code goes.

    Two numbers in one field, or a number with its extension, would become a number of somebody else: they
    mean nothing here.
    """
    dialled = pc.replace_substring_regex(column, r"^(\+|00)([^(]*)\(0\)", r"\1\2")
    plain = pc.replace_substring_regex(dialled, "[^0-9+-]", "")
    several = pc.match_substring_regex(column, r"[0-9].*[+;|]|[0-9].*\pL.*[0-9]")
    one = matches(plain, rf"\+?-*(?:[0-9]-*){{1,{_LONGEST_PHONE}}}")
    return without(plain, is_true(pc.or_(pc.invert(one), several)))


def _by_unique_value(column: Column, meaning: Callable[[str], str | None]) -> Column:
    """Look up each distinct value once."""
    encoded = pc.dictionary_encode(column)
    meanings = pa.array([meaning(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(meanings, encoded.indices)


MEANINGS: Mapping[str, Callable[[Column], Column]] = {
    "gender": _gender,
    "country": _country,
    "language": _language,
    "currency": _currency,
    "phone": _phone,
}
"""Name of a transform -> what it makes of a text column: null where the text means nothing."""
