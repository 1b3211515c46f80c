-- Originals that a backfill replays: one per content, of the days [start, end).
-- In: merchant, interfaces, start, end. Out: ledger rows, in load order.
SELECT file_id, interface, name, size, path, index_number::text, sequence::text, archived, revision
FROM files
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
  AND day >= %(start)s AND day < %(end)s AND state IN ('loaded', 'quarantined', 'archived')
  AND archive_deleted_at IS NULL
ORDER BY files.interface, files.sequence, file_id
