-- Which of the new files an earlier look saw just so, long enough ago (rule: files 1).
-- In: parallel arrays of interface, name, size, modified; stable_for (seconds). Out: positions, counted from 1.
SELECT sighted.position
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[])
     WITH ORDINALITY AS sighted (interface, name, size, modified, position)
JOIN sightings USING (interface, name, size, modified)
WHERE sightings.merchant = %(merchant)s
  AND sightings.first_seen <= clock_timestamp() - make_interval(secs => %(stable_for)s)
ORDER BY sighted.position
