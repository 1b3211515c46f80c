-- Files that a run must still take: seen, archived by a run that died, incomplete and due for another fetch, or
-- refused by the server an hour ago.
-- In: merchant, interfaces, patience (seconds since the last fetch), idle (seconds since a run took it), limit. Out: ledger rows, in load order.
SELECT file_id, interface, name, size, path, index_number::text, coalesce(sequence::text, ''),
       CASE state WHEN 'archived' THEN archived ELSE '' END, revision
FROM files
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
  AND (state IN ('seen', 'archived') AND coalesce(archived_at, seen_at) <= clock_timestamp() - make_interval(secs => %(idle)s)
       OR state = 'waiting' AND attempted_at <= clock_timestamp() - make_interval(secs => %(patience)s)
       OR state = 'quarantined' AND archived IS NULL AND finished_at <= clock_timestamp() - interval '1 hour')
ORDER BY files.interface, files.index_number, file_id
LIMIT %(limit)s
