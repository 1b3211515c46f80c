-- Every account of one merchant that has an invoice debtor (rule: ERP cache 7).
-- In:  merchant. Out: account, debtor, known (whether the debtor is an account).
SELECT account.account_number, account.invoice_to, debtor.account_number IS NOT NULL
FROM accounts AS account
LEFT JOIN accounts AS debtor
    ON debtor.merchant = account.merchant AND debtor.account_number = account.invoice_to
WHERE account.merchant = %(merchant)s AND account.invoice_to IS NOT NULL
