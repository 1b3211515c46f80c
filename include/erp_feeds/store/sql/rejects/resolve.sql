-- Resolve the rejects of earlier files of the interface that this file brings again: by the key of the record, and all of
-- a file of which this is a newer revision. Starts at keys, by the index of rejected_records, so that its cost does not
-- grow with the number of rejects that stay open.
-- In: taken: a query that gives the key of each record that this load takes; merchant; interface; file_name;
--     file_id; sequence; run. Out: rejects.
UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = {file_id}
FROM rejected_records AS refused, files AS earlier
WHERE refused.merchant = {merchant} AND refused.interface = {interface} AND refused.key IN ({taken})
  AND earlier.file_id = refused.file_id AND (earlier.sequence, earlier.file_id) < ({sequence}, {file_id})
  AND rejects.file_id = refused.file_id AND rejects.record = refused.record AND rejects.resolved_at IS NULL;

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = {file_id}
FROM files AS earlier
WHERE earlier.merchant = {merchant} AND earlier.interface = {interface} AND earlier.name = {file_name}
  AND (earlier.sequence, earlier.file_id) < ({sequence}, {file_id})
  AND rejects.file_id = earlier.file_id AND rejects.resolved_at IS NULL
