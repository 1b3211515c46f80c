-- Resolve, without a word, what is open of merchants that have no file any more.
-- In: merchants: those that have one.
UPDATE incidents
SET resolved_at = clock_timestamp(), recovery_notified_at = clock_timestamp()
WHERE merchant <> ALL (%(merchants)s::text[]) AND resolved_at IS NULL
