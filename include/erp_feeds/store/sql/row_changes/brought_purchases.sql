-- The orders and returns that files have brought, as they are stored: a reload may remove them.
-- In: merchant; files. Out: key.
SELECT purchase_id FROM purchases WHERE merchant = {merchant} AND file_id = ANY({files}::bigint[])
