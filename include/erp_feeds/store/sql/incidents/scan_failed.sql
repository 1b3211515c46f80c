-- Note that inboxes could not be scanned, and since when.
-- In: merchants, reason.
INSERT INTO inbox_scans AS known (merchant, failing_since, reason)
SELECT merchant, clock_timestamp(), %(reason)s FROM unnest(%(merchants)s::text[]) AS merchant ORDER BY merchant
ON CONFLICT (merchant) DO UPDATE
SET failing_since = coalesce(known.failing_since, clock_timestamp()), reason = %(reason)s
WHERE known.failing_since IS NULL OR known.reason <> %(reason)s
