-- Record sighted files in state seen; what vanished earlier and is back starts anew, any other known row stays.
-- In: parallel arrays of interface, name, size, modified, path, index_number.
INSERT INTO files AS known (merchant, interface, name, size, modified, path, index_number)
SELECT DISTINCT ON (interface, name, size, modified)
       %(merchant)s, interface, name, size, modified, path, index_number
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(path)s::text[], %(index_number)s::numeric[])
     AS sighted (interface, name, size, modified, path, index_number)
ORDER BY interface, name, size, modified
ON CONFLICT (merchant, interface, name, size, modified) DO UPDATE
SET state = 'seen', path = EXCLUDED.path, attempts = 0, code = NULL, reason = NULL, seen_at = clock_timestamp()
WHERE known.state = 'vanished'
