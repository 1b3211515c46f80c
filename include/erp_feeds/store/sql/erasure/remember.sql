-- Remember what no load may bring back.
-- In: merchant; digests bytea[] and key_ids text[], parallel. Out: forgotten; rows written: those that are new.
INSERT INTO forgotten (merchant, digest, key_id)
SELECT %(merchant)s, digest, key_id
FROM unnest(%(digests)s::bytea[], %(key_ids)s::text[]) AS new (digest, key_id)
ON CONFLICT (merchant, digest) DO NOTHING
