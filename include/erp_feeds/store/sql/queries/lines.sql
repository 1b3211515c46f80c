-- The lines of one purchase.
-- In:  merchant, purchase_id. Out: line_no, sku, description, quantity, amount.
SELECT line_no, sku, description, quantity, amount
FROM purchase_lines
WHERE merchant = %(merchant)s AND purchase_id = %(purchase_id)s
ORDER BY line_no
