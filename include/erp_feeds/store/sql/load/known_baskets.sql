-- A basket that an earlier file stored beside others under one receipt keeps its id, also when it comes alone or in
-- another order (rule: purchases 7): without this it would take the first basket's place.
-- In: incoming_purchases; merchant. Out: their purchase_id.
UPDATE incoming_purchases AS new
SET purchase_id = stored.purchase_id
FROM purchases AS second, purchases AS stored
WHERE second.merchant = {merchant} AND second.purchase_id = regexp_replace(new.purchase_id, '~[0-9]+$', '') || '~2'
  AND stored.merchant = {merchant} AND stored.content_hash = new.content_hash AND stored.purchase_id <> new.purchase_id
  AND stored.purchase_id = ANY (ARRAY(
      SELECT regexp_replace(new.purchase_id, '~[0-9]+$', '') || suffix FROM unnest(ARRAY['', '~2', '~3', '~4']) AS suffix
  ))
  AND NOT EXISTS (SELECT FROM incoming_purchases AS other WHERE other.purchase_id = stored.purchase_id)
