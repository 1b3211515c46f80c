"""What a link may fill, and by which transform: Activate's profile and event fields, declared as data."""

from __future__ import annotations

from collections.abc import Mapping

from erp_feeds.interfaces.spec import FieldType, Target, Transform

CUSTOM = "custom_"
"""Targets with this prefix are custom fields: members of the JSON object `custom` of a row."""

CUSTOM_NAME = r"custom_[a-z0-9][a-z0-9_]{0,59}"

TRANSFORMS = {
    each.name: each
    for each in (
        Transform("gender", "M, F or U, of V, M, O, F and words such as vrouw, man"),
        Transform("country", "ISO 3166-1 alpha-2, of alpha-3 codes and names in several languages"),
        Transform("language", "ISO 639-1, of codes, locales such as nl-NL, and names"),
        Transform("currency", "ISO 4217: three letters, in upper case"),
        Transform("phone", "digits, - and +; two numbers in one field, or an extension, mean nothing"),
        Transform(
            "yes_no",
            "yes or no, of yes, ja, true, 1, y, j, no, nee, false, 0, n; anything else is unknown, never no",
            FieldType.YES_NO,
        ),
        Transform(
            "date",
            "yyyy-MM-dd, of a day as date_form says; a wrong one is left out, or rejects a purchase",
            FieldType.DATE,
        ),
    )
}

_KEY = "it identifies the profile; where this ERP names the element otherwise, say so under elements"
_FOLLOWS = "it follows from the purchase itself"

PROFILE_TARGETS = (
    Target("number", "External identifier of type srs", fixed=_KEY),
    Target("email", "E-mail address", fixed=_KEY),
    Target("firstname", "First name"),
    Target("lastname", "Last name, with its infix"),
    Target("gender", "M, F or U", "gender"),
    Target("birthdate", "Date of birth", "date"),
    Target("phone", "Phone number", "phone"),
    Target("postcode", "Postal code"),
    Target("city", "City"),
    Target("country", "Country", "country"),
    Target("language", "Language", "language"),
    Target("currency", "Currency", "currency"),
    Target("newsletter", "Consent to the newsletter", "yes_no"),
    Target("service", "Consent to service messages", "yes_no"),
    Target("marketing", "Consent to marketing messages", "yes_no"),
    Target(
        "custom_srs_customer_number",
        "The SRS customer number again",
        fixed="it always holds the number, so that exports and audiences can use it",
    ),
)
"""Profile fields of Activate; what a consent does not say is unknown (rule: customers 10)."""

IDENTIFIERS = ("number", "email")
"""The targets that identify a profile."""

PROFILE_FIELDS: Mapping[str, Target] = {
    target.name: target
    for target in PROFILE_TARGETS
    if target.name not in IDENTIFIERS and not target.name.startswith(CUSTOM)
}
"""The columns of a profile except its address and its custom fields, in the order of the pages."""

PURCHASE_TARGETS = (
    Target("event", "Purchase or Return", fixed=_FOLLOWS),
    Target("orderid", "Id of the order or return", fixed=_FOLLOWS),
    Target("number", "External identifier of type srs", fixed=_KEY),
    Target("email", "E-mail address", fixed=_KEY),
    Target("timestamp", "Moment of the purchase", fixed=_FOLLOWS),
    Target("currency", "Currency; the merchant's where there is none", "currency"),
    Target("totalvalue", "Sum of the amounts of the lines", fixed=_FOLLOWS),
    Target("products.id", "Article number", fixed=_FOLLOWS, of_line=True),
    Target("products.name", "Article name", of_line=True),
    Target("products.price", "Amount over quantity", fixed=_FOLLOWS, of_line=True),
    Target("products.quantity", "Number of pieces", fixed=_FOLLOWS, of_line=True),
)
"""Fields of Activate's Purchase event, and of Return."""
