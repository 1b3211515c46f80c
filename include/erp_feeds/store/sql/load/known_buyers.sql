-- A basket is the same purchase whoever is named beside it: a record without a number keeps the one with which the stored
-- basket came (rule: purchases 7). A basket that came by its address alone has an email_match.
-- In: incoming_purchases; merchant. Out: their number.
UPDATE incoming_purchases AS new
SET number = numbered.value
FROM purchases AS old
CROSS JOIN LATERAL (
    SELECT min(value) AS value FROM identifiers WHERE profile_id = old.profile_id AND type = 'srs'
) AS numbered
WHERE old.merchant = {merchant} AND old.purchase_id = new.purchase_id AND old.content_hash = new.content_hash
  AND new.number IS NULL AND numbered.value IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM email_matches AS matched WHERE matched.file_id = old.file_id AND matched.record = old.record
  )
