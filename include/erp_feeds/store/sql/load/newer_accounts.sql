-- The refused records of a file whose accounts a newer file has brought. In: merchant; sequence; file_id.
-- Out: record, file_id.
SELECT refused.record, accounts.file_id
FROM rejected_records AS refused
JOIN accounts ON accounts.merchant = {merchant} AND accounts.account_number = refused.key
WHERE refused.file_id = {file_id} AND (accounts.sequence, accounts.file_id) > ({sequence}, {file_id})
