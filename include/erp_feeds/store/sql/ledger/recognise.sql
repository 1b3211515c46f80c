-- Remember the time as LIST gives it of files that the ledger knows by their exact time, so that the next look need
-- not ask again. Not of young ones: within the minute of the listing their content could still change unseen.
-- In: parallel arrays of interface, name, size, modified, listed; age (seconds).
UPDATE files
SET listed = sighted.listed
FROM unnest(%(interface)s::text[], %(name)s::text[], %(size)s::bigint[], %(modified)s::timestamptz[],
            %(listed)s::text[])
     AS sighted (interface, name, size, modified, listed)
WHERE files.merchant = %(merchant)s AND files.interface = sighted.interface AND files.name = sighted.name
  AND files.size = sighted.size AND files.modified = sighted.modified
  AND sighted.listed ~ '^[0-9]' AND files.listed <> sighted.listed
  AND files.modified < clock_timestamp() - make_interval(secs => %(age)s)
