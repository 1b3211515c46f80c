-- What a price request for an account is answered with (rule: ERP cache 7).
-- In:  merchant, number. Out: at most one row, as in the dataclass Account.
-- A request is answered with the invoice debtor's price list: one hop, never further. An account that is invoiced to
-- itself has no debtor; an unknown debtor leaves the account its own price list until the debtor arrives. Everything
-- else (delivery, discount, cash-back) stays the account's own.
SELECT
    account.account_number,
    coalesce(debtor.price_list_name, account.price_list_name) AS price_list_name,
    account.price_list_name AS own_price_list_name,
    account.invoice_to,
    debtor.account_number AS debtor,
    CASE
        WHEN account.invoice_to = account.account_number THEN 'invoiced to itself: no other debtor'
        WHEN account.invoice_to IS NOT NULL AND debtor.account_number IS NULL
            THEN 'invoice debtor ' || account.invoice_to || ' is unknown: own price list until it arrives'
        WHEN debtor.invoice_to <> debtor.account_number
            THEN 'invoice debtor ' || debtor.account_number || ' is itself invoiced to ' || debtor.invoice_to
                || ': not followed, one step only'
    END AS note,
    account.delivery_scheme_code,
    account.discount_percentage,
    account.cumulative_sales_volume,
    account.cash_back,
    account.cash_back_calculate_to_date,
    files.name AS file,
    account.record,
    account.updated_at
FROM accounts AS account
LEFT JOIN accounts AS debtor
    ON debtor.merchant = account.merchant
    AND debtor.account_number = account.invoice_to
    AND debtor.account_number <> account.account_number
LEFT JOIN files ON files.file_id = account.file_id
WHERE account.merchant = %(merchant)s AND account.account_number = %(number)s
