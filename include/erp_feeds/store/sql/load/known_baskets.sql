-- A basket that an earlier file stored beside others under one receipt keeps its id, also when it comes alone or in
-- another order (rule: purchases 7): without this it would take the first basket's place. Such receipts are rare, and
-- the primary key finds them first, so that the cost does not grow with the table.
-- In: incoming_purchases; merchant. Out: their purchase_id.
WITH beside AS MATERIALIZED (
    SELECT new.record, new.purchase_id, new.content_hash, shared.base
    FROM incoming_purchases AS new
    CROSS JOIN LATERAL (SELECT regexp_replace(new.purchase_id, '~[0-9]+$', '') AS base) AS shared
    JOIN purchases AS second ON second.merchant = {merchant} AND second.purchase_id = shared.base || '~2'
)
UPDATE incoming_purchases AS new
SET purchase_id = stored.purchase_id
FROM beside
CROSS JOIN LATERAL unnest(ARRAY[base, base || '~2', base || '~3', base || '~4']) AS candidate (purchase_id)
JOIN purchases AS stored ON stored.merchant = {merchant} AND stored.purchase_id = candidate.purchase_id
WHERE new.record = beside.record
  AND stored.content_hash = beside.content_hash AND stored.purchase_id <> beside.purchase_id
  AND NOT EXISTS (SELECT FROM incoming_purchases AS other WHERE other.purchase_id = stored.purchase_id)
