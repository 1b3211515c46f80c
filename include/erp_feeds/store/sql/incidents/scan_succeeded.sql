-- Note that inboxes were scanned; within a minute of the last note, nothing is written.
-- In: merchants.
INSERT INTO inbox_scans AS known (merchant, succeeded_at)
SELECT merchant, clock_timestamp() FROM unnest(%(merchants)s::text[]) AS merchant ORDER BY merchant
ON CONFLICT (merchant) DO UPDATE
SET succeeded_at = clock_timestamp(), failing_since = NULL, reason = ''
WHERE known.failing_since IS NOT NULL OR known.succeeded_at IS NULL
   OR known.succeeded_at < clock_timestamp() - interval '1 minute'
