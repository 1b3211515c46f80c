"""What a merchant file says: a model that rejects what it does not know."""

from erp_feeds.merchant.model import (
    Alerts,
    Feedback,
    Freshness,
    Ftps,
    InterfaceSettings,
    Limits,
    LinkSettings,
    Location,
    Merchant,
    Retention,
    SettingError,
)

__all__ = [
    "Alerts",
    "Feedback",
    "Freshness",
    "Ftps",
    "InterfaceSettings",
    "Limits",
    "LinkSettings",
    "Location",
    "Merchant",
    "Retention",
    "SettingError",
]
