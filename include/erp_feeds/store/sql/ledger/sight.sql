-- Remember when new files were seen for the first time as they are now.
-- In: parallel arrays of interface, name, size, modified.
INSERT INTO sightings (merchant, interface, name, size, modified)
SELECT DISTINCT %(merchant)s, interface, name, size, modified
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
     AS sighted (interface, name, size, modified)
ON CONFLICT DO NOTHING
