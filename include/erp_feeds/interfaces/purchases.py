"""SRS purchases: orders, till receipts, returns and exchanges (contract: SRS connector, "Import orders")."""

from __future__ import annotations

from erp_feeds.interfaces.spec import Field, FieldType, Interface, Lines, Link
from erp_feeds.interfaces.targets import PURCHASE_TARGETS

SRS_PURCHASES = Interface(
    name="srs_purchases",
    title="SRS purchases",
    source="SRS connector, Import orders",
    folder="srs",
    token="SRS_Purchases",
    record_path=("Export", "Purchases", "Purchase"),
    key=("purchase_id",),
    rank=1,
    tables=("purchases", "purchase_lines", "profiles", "identifiers"),
    fields=(
        Field(
            "order_number",
            "OrderNumber",
            FieldType.IDENTIFIER,
            description="Order number of an online purchase; absent, 0, 000 or -1 on a till receipt",
            example="W-20170105-1",
        ),
        Field(
            "receipt_number",
            "ReceiptNumber",
            FieldType.IDENTIFIER,
            description="Receipt number; required where OrderNumber is absent",
            example="31198570044",
        ),
        Field(
            "branch",
            "Branch",
            FieldType.IDENTIFIER,
            description="Branch; required where OrderNumber is absent",
            example="330",
        ),
        Field(
            "date_time",
            "DateTime",
            FieldType.DATETIME,
            required=True,
            description="Date and time at the till, yyyy-MM-ddTHH:mm:ss; merchant's zone unless it says",
            example="2017-01-05T11:53:26",
        ),
        Field(
            "customer_number",
            "CustomerNumber",
            FieldType.IDENTIFIER,
            description="SRS customer number",
            example="1001",
        ),
        Field("email", "Email", FieldType.EMAIL, description="E-mail address", example="ada@example.com"),
        Field(
            "currency",
            "Currency",
            description="ISO 4217; the merchant's currency where absent",
            example="EUR",
        ),
    ),
    lines=Lines(
        path="Lines/Line",
        fields=(
            Field(
                "sku",
                "Sku",
                FieldType.IDENTIFIER,
                required=True,
                description="Article number",
                example="1095275",
            ),
            Field("description", "Description", description="Article name", example="Rye bread"),
            Field(
                "quantity",
                "Quantity",
                FieldType.DECIMAL,
                digits=(14, 3),
                description="Number of pieces; 1 where absent",
                example="2",
            ),
            Field(
                "amount",
                "Amount",
                FieldType.DECIMAL,
                required=True,
                digits=(14, 2),
                description="Line total, negative for what comes back",
                example="3.98",
            ),
        ),
    ),
    targets=PURCHASE_TARGETS,
    links=(
        Link("event", ("amount",)),
        Link("orderid", ("order_number", "receipt_number", "branch", "date_time")),
        Link("number", ("customer_number",)),
        Link("email", ("email",)),
        Link("timestamp", ("date_time",)),
        Link("currency", ("currency",), "currency"),
        Link("totalvalue", ("amount",)),
        Link("products.id", ("sku",)),
        Link("products.name", ("description",)),
        Link("products.price", ("amount", "quantity")),
        Link("products.quantity", ("quantity",)),
    ),
    replaces=True,
)
