-- Forget what is no longer as it was seen: changed, gone, or in the ledger by now. What comes back starts anew.
-- In: interfaces, parallel arrays of interface, name, size, modified.
DELETE FROM sightings
WHERE merchant = %(merchant)s AND sightings.interface = ANY(%(interfaces)s)
  AND NOT EXISTS (
    SELECT FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
         AS sighted (interface, name, size, modified)
    WHERE (sighted.interface, sighted.name, sighted.size, sighted.modified)
        = (sightings.interface, sightings.name, sightings.size, sightings.modified)
  )
