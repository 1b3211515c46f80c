-- Remember what no load may bring back. Whom a load adds, because they came beside somebody forgotten, counts as
-- forgotten since that file came. Who was lifted and is forgotten once more is forgotten from now on.
-- In: merchant; digests bytea[] and key_ids text[], parallel; file_id: of the load, or null.
-- Out: forgotten; rows written: those that no load brings back only from now on.
INSERT INTO forgotten AS known (merchant, digest, key_id, forgotten_at)
SELECT %(merchant)s, digest, key_id,
       coalesce((SELECT archived_at FROM files WHERE file_id = %(file_id)s), clock_timestamp())
FROM unnest(%(digests)s::bytea[], %(key_ids)s::text[]) AS new (digest, key_id)
ON CONFLICT (merchant, digest) DO UPDATE
SET lifted_at = NULL, forgotten_at = EXCLUDED.forgotten_at
WHERE known.lifted_at IS NOT NULL
