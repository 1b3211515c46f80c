-- The refused records of a file whose receipts, or order numbers at their moment, a newer file has brought; keys are
-- made as in taken_purchases.sql. In: merchant; sequence; file_id. Out: record, file_id.
SELECT refused.record, purchases.file_id
FROM rejected_records AS refused
JOIN purchases ON purchases.merchant = {merchant}
    AND (purchases.purchase_id = refused.key AND purchases.channel = 'offline'
         OR purchases.order_number = regexp_replace(refused.key, '@[^@]*$', '')
            AND purchases.order_number || '@' || purchases.local_time = refused.key
            AND purchases.channel = 'online')
WHERE refused.file_id = {file_id} AND (purchases.sequence, purchases.file_id) > ({sequence}, {file_id})
