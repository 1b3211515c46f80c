-- Which of the sighted files need a closer look, because no row has their name and size and, to the minute or day
-- of the listing, their time. LIST shows the year instead of the clock for files of half a year ago: hence the prefix.
-- In: parallel arrays of interface, name, size, listed. Out: positions, counted from 1; those first that no row has by
-- name and size, since not all of them may be asked for.
SELECT sighted.position
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(listed)s::text[])
     WITH ORDINALITY AS sighted (interface, name, size, listed, position)
WHERE sighted.listed = '' OR NOT EXISTS (
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = sighted.interface AND files.name = sighted.name
      AND files.size = sighted.size AND starts_with(files.listed, sighted.listed) AND files.state <> 'vanished'
)
ORDER BY EXISTS (
    SELECT FROM files
    WHERE files.merchant = %(merchant)s AND files.interface = sighted.interface AND files.name = sighted.name
      AND files.size = sighted.size
), sighted.position
