"""Where the XSD and the pipeline may judge a record differently: each such rule, and why XSD cannot say it.

The property test of the schemas proves that nothing else differs, and that each of these does.
"""

from __future__ import annotations

from collections.abc import Mapping

ONLY_THE_FEED_REJECTS: Mapping[str, str] = {
    "scientific_identifier": "an identifier as 1.23E+05 or 123.0, or odd characters (no pattern excludes it)",
    "unicode_spaces": "a required element that holds Unicode spaces alone (a schema knows only those of XML)",
    "no_moment": "0001-01-01 as a date and time, which means none (a pattern cannot exclude)",
    "till_parts": "a purchase with neither order number nor a whole receipt (no rule spans two elements)",
    "only_email": "an invalid e-mail address where no customer number stands beside it (no rule spans two)",
    "line_total": "lines whose total has too many digits (a schema cannot add)",
}
"""Rule -> what a schema takes and the feed rejects."""

ONLY_THE_SCHEMA_REJECTS: Mapping[str, str] = {
    "unknown_element": "an element unknown to this version, kept or reported (xs:all allows no wildcard)",
    "namespace": "elements in a namespace, ignored with a warning (a schema is for one namespace)",
    "spaces": "a value between Unicode spaces, which are trimmed (a schema knows only those of XML)",
    "consent": "another word than yes or no, such as ja; one without meaning is left out with a warning",
    "day": "a date of a customer that is no day, which is left out with a warning",
    "moment": "a moment without T, seconds or time, with fractions, or a zone as +0100 or beyond +14:00",
    "number": "a number with leading zeros or point, or, where limits hold, with separators or as -0",
}
"""Rule -> what the feed understands or survives, and a schema rejects: files should not rely on it."""


def words() -> str:
    """Return the differences as the text that each schema carries."""
    return "\n".join(
        [
            "What this schema accepts, the feed accepts, element order being free (xs:all), except:",
            *(f"- {text}" for text in ONLY_THE_FEED_REJECTS.values()),
            "What this schema rejects in a record, the feed rejects, except:",
            *(f"- {text}" for text in ONLY_THE_SCHEMA_REJECTS.values()),
        ]
    )
