-- A file that was sighted but never archived, and now lies under its name with another size or time, is gone:
-- fetching it by its path would bring the other's bytes.
-- In: parallel arrays of interface, name, size, modified, as for see.
UPDATE files
SET state = 'vanished'
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
     AS sighted (interface, name, size, modified)
WHERE files.merchant = %(merchant)s AND files.interface = sighted.interface AND files.name = sighted.name
  AND (files.size, files.modified) IS DISTINCT FROM (sighted.size, sighted.modified)
  AND files.state IN ('seen', 'waiting')
