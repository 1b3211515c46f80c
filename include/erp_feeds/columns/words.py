"""Words that people write for a gender, a country or a language."""

from __future__ import annotations

_GENDERS = {
    "M": ("m", "man", "male", "dhr", "heer"),
    "F": ("v", "f", "vrouw", "female", "mevr", "mevrouw"),
    "U": ("o", "u", "onbekend", "unknown"),
}
GENDER_OF = {word: gender for gender, words in _GENDERS.items() for word in words}

COUNTRIES = {
    "nederland": "NL",
    "holland": "NL",
    "the netherlands": "NL",
    "belgië": "BE",
    "belgie": "BE",
    "belgique": "BE",
    "duitsland": "DE",
    "deutschland": "DE",
    "frankrijk": "FR",
    "luxemburg": "LU",
    "verenigd koninkrijk": "GB",
    "groot-brittannië": "GB",
    "engeland": "GB",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "ierland": "IE",
    "spanje": "ES",
    "españa": "ES",
    "italië": "IT",
    "italia": "IT",
    "oostenrijk": "AT",
    "österreich": "AT",
    "zwitserland": "CH",
    "schweiz": "CH",
    "suisse": "CH",
    "denemarken": "DK",
    "danmark": "DK",
    "zweden": "SE",
    "sverige": "SE",
    "noorwegen": "NO",
    "norge": "NO",
    "polen": "PL",
    "polska": "PL",
    "verenigde staten": "US",
}
"""Names that people write and ISO 3166-1 does not list."""

LANGUAGES = {
    "nederlands": "nl",
    "vlaams": "nl",
    "engels": "en",
    "duits": "de",
    "deutsch": "de",
    "frans": "fr",
    "français": "fr",
    "spaans": "es",
    "español": "es",
    "italiaans": "it",
    "italiano": "it",
    "pools": "pl",
    "polski": "pl",
}
"""Names that people write and ISO 639 does not list."""
