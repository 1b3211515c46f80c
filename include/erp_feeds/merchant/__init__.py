"""What a merchant file says: a model that rejects what it does not know."""

from erp_feeds.merchant.interface_settings import (
    FieldSettings,
    Freshness,
    InterfaceSettings,
    LinkSettings,
    SettingsDocument,
)
from erp_feeds.merchant.model import (
    Alerts,
    Feedback,
    Ftps,
    Limits,
    Location,
    Merchant,
    Retention,
    SettingError,
)

__all__ = [
    "Alerts",
    "Feedback",
    "FieldSettings",
    "Freshness",
    "Ftps",
    "InterfaceSettings",
    "Limits",
    "LinkSettings",
    "Location",
    "Merchant",
    "Retention",
    "SettingError",
    "SettingsDocument",
]
