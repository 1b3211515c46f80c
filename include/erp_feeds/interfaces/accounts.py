"""ERP Cache Customers, versions 1.0 and 1.1: links customers to price lists (contract of that name)."""

from __future__ import annotations

from erp_feeds.interfaces.spec import Field, FieldType, Header, Interface

ERP_CACHE_CUSTOMERS = Interface(
    name="erp_cache_customers",
    title="ERP Cache Customers",
    source="ERP Cache Customers",
    folder="ErpCache",
    token="ErpCache_Customers",
    record_path=("Import", "Customers", "Customer"),
    key=("account_number",),
    rank=0,
    tables=("accounts",),
    header=Header(
        element="ImportSettings",
        importer_element="Importer",
        importer="ErpCache_Customers",
        version_element="Version",
        versions=("1.0", "1.1"),
        importer_required_since="1.1",
    ),
    fields=(
        Field(
            "account_number",
            "AccountNumber",
            FieldType.IDENTIFIER,
            required=True,
            description="Account number (debtor number) of the customer",
            example="100001",
        ),
        Field(
            "invoice_to",
            "InvoiceTo",
            FieldType.IDENTIFIER,
            since="1.1",
            description="Account number of the invoice debtor, whose prices apply to this customer",
            example="100000",
        ),
        Field(
            "price_list_name",
            "PriceListName",
            required=True,
            description="Name of price list",
            example="WHOLESALE",
        ),
        Field(
            "delivery_scheme_code",
            "DeliverySchemeCode",
            since="1.1",
            description="Name of the delivery scheme",
            example="DAILY",
        ),
        Field(
            "cumulative_sales_volume",
            "CumulativeSalesVolume",
            FieldType.DECIMAL,
            description="Cumulative sales volume until CashBackCalculateToDate",
            example="12,345.67",
        ),
        Field(
            "cash_back",
            "CashBack",
            FieldType.DECIMAL,
            description="Cash-back until CashBackCalculateToDate",
            example="123.45",
        ),
        Field(
            "cash_back_calculate_to_date",
            "CashBackCalculateToDate",
            FieldType.DATE,
            description="Sales volume and cash-back are calculated until this date",
            example="2017-01-31",
        ),
        Field(
            "discount_percentage",
            "DiscountPercentage",
            FieldType.DECIMAL,
            since="1.1",
            digits=(5, 2),
            minimum=0,
            maximum=100,
            description="Discount percentage applied after all other discounts",
            example="2.50",
        ),
    ),
)
