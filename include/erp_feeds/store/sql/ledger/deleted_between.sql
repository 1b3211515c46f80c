-- Files of the days [start, end) that a backfill cannot replay, because retention has deleted their originals.
-- In: merchant, interfaces, start, end. Out: name.
SELECT name
FROM files
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s) AND day >= %(start)s AND day < %(end)s
  AND state IN ('loaded', 'quarantined', 'archived') AND archive_deleted_at IS NOT NULL
ORDER BY interface, sequence, file_id
