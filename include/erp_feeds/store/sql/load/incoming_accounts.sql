-- The accounts of one file. NULL: not delivered; cleared names the columns delivered empty, as ',a,b,'.
CREATE TEMP TABLE incoming_accounts (
    record int, account_number text, price_list_name text, invoice_to text, delivery_scheme_code text,
    cumulative_sales_volume numeric(18,2), cash_back numeric(18,2), cash_back_calculate_to_date date,
    discount_percentage numeric(5,2), cleared text
) ON COMMIT DROP
