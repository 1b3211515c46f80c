-- Record sighted files in state seen; what vanished earlier and is back starts anew, any other known row stays.
-- From here on the ledger remembers them, and the looks need not. The older of two under one name comes first.
-- In: parallel arrays of interface, name, size, modified, path, index_number.
WITH sighted AS (
    SELECT DISTINCT ON (interface, name, size, modified) *
    FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
                %(path)s::text[], %(index_number)s::numeric[])
         AS each (interface, name, size, modified, path, index_number)
    ORDER BY interface, name, size, modified
), forgotten AS (
    DELETE FROM sightings USING sighted
    WHERE sightings.merchant = %(merchant)s
      AND (sightings.interface, sightings.name, sightings.size, sightings.modified)
        = (sighted.interface, sighted.name, sighted.size, sighted.modified)
)
INSERT INTO files AS known (merchant, interface, name, size, modified, path, index_number)
SELECT %(merchant)s, interface, name, size, modified, path, index_number
FROM sighted
ORDER BY modified
ON CONFLICT (merchant, interface, name, size, modified) DO UPDATE
SET state = 'seen', path = EXCLUDED.path, attempts = 0, code = NULL, reason = NULL, seen_at = clock_timestamp()
WHERE known.state = 'vanished'
