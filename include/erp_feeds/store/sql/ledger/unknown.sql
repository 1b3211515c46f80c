-- Which of the sighted files are new: no row has their name, size and time, or the row that has them vanished since.
-- In: parallel arrays of interface, name, size, modified. Out: positions, counted from 1.
SELECT sighted.position
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
     WITH ORDINALITY AS sighted (interface, name, size, modified, position)
WHERE NOT EXISTS (
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = sighted.interface AND files.name = sighted.name
      AND files.size = sighted.size AND files.modified = sighted.modified AND files.state <> 'vanished'
)
ORDER BY sighted.position
