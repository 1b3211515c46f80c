-- Where several baskets bear one receipt, stored or in this file, a basket that is stored keeps its id, whichever
-- file brings it, in whatever order and company (rule: purchases 7); the others take the ids that remain, in file order.
-- So none takes the place of another that still stands, and none is stored twice. Such receipts are rare, and the
-- primary key finds them first, so that the cost does not grow with the table.
-- In: incoming_purchases; merchant. Out: their purchase_id.
WITH RECURSIVE sharing AS MATERIALIZED (
    SELECT record, purchase_id, content_hash, regexp_replace(purchase_id, '~[0-9]+$', '') AS base
    FROM incoming_purchases
    WHERE channel = 'offline' OR kind = 'return'
), shared AS MATERIALIZED (
    SELECT sharing.base
    FROM sharing
    JOIN purchases AS second
      ON second.merchant = {merchant} AND second.purchase_id IN (sharing.base || '~2', sharing.base || '~3')
    UNION
    SELECT base FROM sharing WHERE purchase_id <> base
), walked AS (
    SELECT base, 0 AS place, NULL::text AS content_hash FROM shared
    UNION ALL
    SELECT walked.base, following.place, following.content_hash
    FROM walked
    CROSS JOIN LATERAL (  -- over places that a reload has emptied
        SELECT place, purchases.content_hash
        FROM generate_series(walked.place + 1, walked.place + 8) AS place
        JOIN purchases
          ON purchases.merchant = {merchant}
         AND purchases.purchase_id = walked.base || CASE WHEN place > 1 THEN '~' || place ELSE '' END
        ORDER BY place
        LIMIT 1
    ) AS following
), stored AS (
    SELECT base, place, content_hash FROM walked WHERE place > 0
), incoming AS MATERIALIZED (
    SELECT record, base, content_hash FROM sharing JOIN shared USING (base)
), known AS MATERIALIZED (
    SELECT DISTINCT ON (record) record, base, place
    FROM incoming
    JOIN stored USING (base, content_hash)
    ORDER BY record, place
), others AS (
    SELECT record, base, row_number() OVER (PARTITION BY base ORDER BY record) AS turn
    FROM incoming
    WHERE record NOT IN (SELECT record FROM known)
), remaining AS (
    SELECT base, place, row_number() OVER (PARTITION BY base ORDER BY place) AS turn
    FROM (SELECT base, count(*) AS size FROM incoming GROUP BY base) AS group_of
    CROSS JOIN LATERAL generate_series(1, size) AS place
    WHERE (base, place) NOT IN (SELECT base, place FROM known)
), placed AS (
    SELECT record, base, place FROM known
    UNION ALL
    SELECT record, base, place FROM others JOIN remaining USING (base, turn)
)
UPDATE incoming_purchases AS new
SET purchase_id = placed.base || CASE WHEN placed.place > 1 THEN '~' || placed.place ELSE '' END
FROM placed
WHERE new.record = placed.record
