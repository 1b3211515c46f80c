-- Remember what no load may bring back. Whom a load adds, because they came beside somebody suppressed, counts as
-- suppressed since that file came. Who was unsuppressed and is suppressed once more is suppressed from now on.
-- In: merchant; digests bytea[] and key_ids text[], parallel; file_id: of the load, or null.
-- Out: suppressed; rows written: those that no load brings back only from now on.
INSERT INTO suppressed AS known (merchant, digest, key_id, suppressed_at)
SELECT %(merchant)s, digest, key_id,
       coalesce((SELECT archived_at FROM files WHERE file_id = %(file_id)s), clock_timestamp())
FROM unnest(%(digests)s::bytea[], %(key_ids)s::text[]) AS new (digest, key_id)
ON CONFLICT (merchant, digest) DO UPDATE
SET unsuppressed_at = NULL, suppressed_at = EXCLUDED.suppressed_at
WHERE known.unsuppressed_at IS NOT NULL
