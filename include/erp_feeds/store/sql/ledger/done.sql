-- Which of the sighted files need not stay on the server: their bytes are loaded, or were loaded before.
-- In: parallel arrays of interface, name, size, modified, listed. Out: position, counted from 1, and the exact time.
SELECT sighted.position, files.modified
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(listed)s::text[])
     WITH ORDINALITY AS sighted (interface, name, size, modified, listed, position)
JOIN files USING (interface, name, size)
WHERE files.merchant = %(merchant)s AND files.state IN ('loaded', 'duplicate')
  AND (files.modified = sighted.modified OR sighted.listed <> '' AND starts_with(files.listed, sighted.listed))
ORDER BY sighted.position
