-- Scans: whether the inbox of a merchant can be scanned, and what lies there that no run takes.

-- name: states
-- In: merchants text[]. Out: as in the dataclass InboxState.
SELECT merchant, succeeded_at, failing_since, reason
FROM inbox_scans
WHERE merchant = ANY (%(merchants)s::text[])
ORDER BY merchant

-- name: succeeded
-- Note that inboxes were scanned; within a minute of the last note, nothing is written unless other files lie there.
-- In: merchants; not_taken: JSON text, the files that no run takes.
INSERT INTO inbox_scans AS known (merchant, succeeded_at, not_taken)
SELECT merchant, clock_timestamp(), %(not_taken)s::jsonb FROM unnest(%(merchants)s::text[]) AS merchant ORDER BY merchant
ON CONFLICT (merchant) DO UPDATE
SET succeeded_at = clock_timestamp(), failing_since = NULL, reason = '', not_taken = EXCLUDED.not_taken
WHERE known.failing_since IS NOT NULL OR known.succeeded_at IS NULL
   OR known.succeeded_at < clock_timestamp() - interval '1 minute' OR known.not_taken <> EXCLUDED.not_taken

-- name: not_taken
-- What the latest scan of an inbox found that no run takes. In: merchant. Out: path, why, shop; in the order of the scan.
SELECT each ->> 'path', each ->> 'why', each ->> 'shop'
FROM inbox_scans CROSS JOIN LATERAL jsonb_array_elements(not_taken) WITH ORDINALITY AS listed (each, place)
WHERE merchant = %(merchant)s
ORDER BY place

-- name: failed
-- Note that inboxes could not be scanned, and since when.
-- In: merchants, reason.
INSERT INTO inbox_scans AS known (merchant, failing_since, reason)
SELECT merchant, clock_timestamp(), %(reason)s FROM unnest(%(merchants)s::text[]) AS merchant ORDER BY merchant
ON CONFLICT (merchant) DO UPDATE
SET failing_since = coalesce(known.failing_since, clock_timestamp()), reason = %(reason)s
WHERE known.failing_since IS NULL OR known.reason <> %(reason)s
