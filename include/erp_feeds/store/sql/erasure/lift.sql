-- Let files that came after people were forgotten bring them back; once more changes nothing.
-- In: merchant; digests bytea[]. Out: forgotten; rows written.
UPDATE forgotten SET lifted_at = clock_timestamp()
WHERE merchant = %(merchant)s AND digest = ANY(%(digests)s::bytea[]) AND lifted_at IS NULL
