"""The docs say what the declaration says, and the generated files of the project are fresh."""

from __future__ import annotations

import pytest

from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.publish.markdown import field_rows, markdown, type_text


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES)
def test_every_field_has_a_row(interface: Interface) -> None:
    assert tuple(row.column for row in field_rows(interface)) == interface.field_names()
    assert all(row.description and row.example for row in field_rows(interface))


def test_the_page_names_file_folder_and_fields() -> None:
    page = markdown(INTERFACES.values())
    assert "`[SHOPNAME]_ErpCache_Customers_[INDEXNUMBER].zip`" in page
    assert "`/ErpCache/` below the merchant's FTPS root" in page
    assert "| `Lines/Line/Sku` | `sku` |" in page


def test_types_are_said_in_words_with_their_limits() -> None:
    discount = INTERFACES["erp_cache_customers"].field("discount_percentage")
    assert type_text(discount) == "decimal, up to 2 places, 0 to 100"
