-- What scans of the inboxes find, compared with the ledger. A remote file is known by interface, name, size and time.
-- In, everywhere: merchant; of the files that a scan found, parallel arrays of interface, name, size, modified, listed.

-- name: unknown
-- Which of the found files are new, or not registered yet. A file that was missing or replaced and is back is new
-- (rule: files 2). A rough time of LIST is compared with the one that `remember_times` keeps, by its prefix only: for files
-- older than half a year LIST shows the year instead of the time of day.
-- In: exact: each time is to the second. Out: positions, counted from 1; those whose name and size no row has come
-- first, since one scan does not request the times of all.
SELECT found.position
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(listed)s::text[])
     WITH ORDINALITY AS found (interface, name, size, modified, listed, position)
WHERE NOT EXISTS (
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = found.interface AND files.name = found.name
      AND files.size = found.size AND files.state NOT IN ('uploading', 'missing', 'replaced')
      AND CASE WHEN %(exact)s OR found.listed = '' THEN files.modified = found.modified
          ELSE starts_with(files.listed, found.listed) END
)
ORDER BY EXISTS (
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = found.interface AND files.name = found.name
      AND files.size = found.size AND files.state NOT IN ('uploading', 'missing', 'replaced')
), found.position

-- name: remember_times
-- Remember the rough time of LIST for files that the ledger knows by their exact time, so that the next scan need not request
-- it again. Not for recent files: within the minute that LIST shows, their content could still change unnoticed.
-- In: age (seconds).
UPDATE files
SET listed = found.listed
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(listed)s::text[])
     AS found (interface, name, size, modified, listed)
WHERE files.merchant = %(merchant)s AND files.interface = found.interface AND files.name = found.name
  AND files.size = found.size AND files.modified = found.modified
  AND files.state NOT IN ('uploading', 'missing', 'replaced')
  AND found.listed ~ '^[0-9]' AND files.listed <> found.listed
  AND files.modified < clock_timestamp() - make_interval(secs => %(age)s)

-- name: mark_replaced
-- Mark files that were never fetched completely and were replaced by another file on the server: fetching such a path would
-- bring the other file's bytes.
-- In: path.
UPDATE files
SET state = 'replaced', finished_at = clock_timestamp()
FROM unnest(%(path)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[]) AS found (path, size, modified)
WHERE files.merchant = %(merchant)s AND files.path = found.path
  AND (files.size, files.modified) IS DISTINCT FROM (found.size, found.modified)
  AND (files.state IN ('registered', 'waiting') OR files.state = 'quarantined' AND files.archived IS NULL)

-- name: register
-- Register the files that an earlier scan, long enough ago, found exactly as they are now: they are complete (rule: files 1).
-- In: path; stable_for (seconds). Out: the paths of what is complete.
UPDATE files
SET state = 'registered', path = found.path
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[], %(path)s::text[])
     AS found (interface, name, size, modified, path)
WHERE files.merchant = %(merchant)s AND files.interface = found.interface AND files.name = found.name
  AND files.size = found.size AND files.modified = found.modified AND files.state = 'uploading'
  AND files.first_seen_at <= clock_timestamp() - make_interval(secs => %(stable_for)s)
RETURNING files.path

-- name: remember
-- Remember when new files were found for the first time as they are now. The older of two under one name comes first.
-- In: path, index_number.
INSERT INTO files (merchant, interface, name, size, modified, path, index_number, state)
SELECT DISTINCT ON (modified, interface, name, size)
       %(merchant)s, interface, name, size, modified, path, index_number, 'uploading'
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(path)s::text[], %(index_number)s::numeric[])
     AS found (interface, name, size, modified, path, index_number)
WHERE NOT EXISTS (  -- else each scan would use up a number of file_id for each of them
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = found.interface AND files.name = found.name
      AND files.size = found.size AND files.modified = found.modified AND files.state NOT IN ('missing', 'replaced')
)
ORDER BY modified, interface, name, size
ON CONFLICT DO NOTHING

-- name: forget
-- Forget uploads that have changed or are gone. A file that comes back starts from the beginning.
-- In: interfaces.
DELETE FROM files
WHERE merchant = %(merchant)s AND files.interface = ANY(%(interfaces)s) AND state = 'uploading'
  AND NOT EXISTS (
    SELECT FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
         AS found (interface, name, size, modified)
    WHERE (found.interface, found.name, found.size, found.modified)
        = (files.interface, files.name, files.size, files.modified)
  )
