-- The files that wait for a run, and which run has taken which.

-- name: unfinished
-- Files that a run must still take: registered, archived by a run that died, incomplete and due for another fetch, or
-- refused by the server an hour ago. What was imported never had a path on the server, and waits until a replay asks for it.
-- In: merchant, interfaces, pause (seconds since the last fetch), others (runs whose files are left to them), files, bytes:
-- how much a run takes.
-- Out: ledger rows, in load order; last those that could not be taken, the latest at the end.
SELECT file_id, interface, name, size, path, index_number, sequence, archived, revision
FROM (
    SELECT file_id, interface, name, size, path, index_number::text, coalesce(sequence::text, '') AS sequence,
           CASE state WHEN 'archived' THEN archived ELSE '' END AS archived, revision,
           row_number() OVER load_order AS position, sum(greatest(size, 0)) OVER load_order - greatest(size, 0) AS before
    FROM files
    WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
      AND (state = 'registered' OR state = 'archived' AND path <> ''
           OR state = 'waiting' AND attempted_at <= clock_timestamp() - make_interval(secs => %(pause)s)
           OR state = 'quarantined' AND archived IS NULL AND finished_at <= clock_timestamp() - interval '1 hour')
      AND coalesce(run_id, '') <> ALL(%(others)s::text[])
    WINDOW load_order AS (ORDER BY attempted_at NULLS FIRST, interface, files.index_number, file_id)
) AS waiting
WHERE position <= %(files)s AND before < %(bytes)s
ORDER BY position

-- name: failed_last
-- Files in their order, but those that could not be taken last, the latest at the end. In: file_ids. Out: file ids.
SELECT file_id
FROM unnest(%(file_ids)s::bigint[]) WITH ORDINALITY AS given (file_id, position)
JOIN files USING (file_id)
ORDER BY attempted_at NULLS FIRST, position

-- name: taken_by
-- The other runs that have taken files of the server which are not finished. In: merchant, run. Out: run ids.
SELECT DISTINCT run_id
FROM files
WHERE merchant = %(merchant)s AND state IN ('registered', 'archived') AND path <> '' AND run_id <> %(run)s

-- name: take
-- A run takes files. In: file_ids, run.
UPDATE files
SET run_id = %(run)s
WHERE file_id = ANY(%(file_ids)s::bigint[]) AND run_id IS DISTINCT FROM %(run)s AND state IN ('registered', 'archived')
