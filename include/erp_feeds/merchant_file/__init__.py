"""Reads and checks merchant files, and the settings that the store keeps instead of parts of them."""

from erp_feeds.merchant_file.checks import settings_of, with_settings
from erp_feeds.merchant_file.reader import (
    files_by_merchant,
    merchant_files,
    read_files,
    read_merchant,
    read_merchants,
    read_settings,
)
from erp_feeds.merchant_file.yaml_text import dotted

__all__ = [
    "dotted",
    "files_by_merchant",
    "merchant_files",
    "read_files",
    "read_merchant",
    "read_merchants",
    "read_settings",
    "settings_of",
    "with_settings",
]
