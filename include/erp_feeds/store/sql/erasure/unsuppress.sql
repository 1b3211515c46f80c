-- Let files that came after people were suppressed bring them back; once more changes nothing.
-- In: merchant; digests bytea[]. Out: suppressed; rows written.
UPDATE suppressed SET unsuppressed_at = clock_timestamp()
WHERE merchant = %(merchant)s AND digest = ANY(%(digests)s::bytea[]) AND unsuppressed_at IS NULL
