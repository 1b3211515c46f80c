-- Orders and returns of one merchant, the latest first.
-- In:  merchant; each or null: kind ('order', 'return'), profile_id, srs (customer number), purchase_id; max_rows.
-- Out: one row per purchase, as in the dataclass Purchase. A return that bears an order number is linked to that order
--      whenever it is there, whichever of the two arrived first (rule: purchases 8).
SELECT
    purchase_id, kind, channel, profile_id, order_number,
    (
        SELECT original.purchase_id FROM purchases AS original
        WHERE original.merchant = purchases.merchant AND original.purchase_id = purchases.order_number
            AND original.kind = 'order' AND purchases.kind = 'return'
    ) AS return_of,
    receipt_number, branch, local_time, occurred_at, currency, total, line_count, custom, mapping_version,
    files.name AS file, record
FROM purchases
LEFT JOIN files USING (file_id)
WHERE
    purchases.merchant = %(merchant)s
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(purchase_id)s::text IS NULL OR purchase_id = %(purchase_id)s)
    AND (%(profile_id)s::bigint IS NULL OR profile_id = %(profile_id)s)
    AND (
        %(srs)s::text IS NULL
        OR profile_id = (
            SELECT identifiers.profile_id FROM identifiers
            WHERE identifiers.merchant = %(merchant)s AND type = 'srs' AND value = %(srs)s
        )
    )
ORDER BY occurred_at DESC, purchase_id
LIMIT %(max_rows)s
