-- What may leave the inbox, because it is loaded.

-- name: loaded
-- Which of the found files need not stay on the server: their bytes are loaded, or were loaded before.
-- In: parallel arrays of interface, name, size, modified, listed. Out: position, counted from 1, and the exact time.
SELECT found.position, files.modified
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(listed)s::text[])
     WITH ORDINALITY AS found (interface, name, size, modified, listed, position)
JOIN files USING (interface, name, size)
WHERE files.merchant = %(merchant)s AND files.state IN ('loaded', 'duplicate')
  AND (files.modified = found.modified OR found.listed <> '' AND starts_with(files.listed, found.listed))
ORDER BY found.position

-- name: remote_files
-- Loaded files as they were found on the server.
-- In: file_ids. Out: interface, name, size, modified, path.
SELECT interface, name, size, modified, path
FROM files
WHERE file_id = ANY(%(file_ids)s) AND state = 'loaded' AND path <> ''
ORDER BY interface, sequence, file_id
