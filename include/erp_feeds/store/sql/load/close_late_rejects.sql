-- Close the rejects of a late file that newer files had mended before it came, so that the same ones are open whatever
-- the order of files: its records that a newer file brought, and all of them where a newer revision of it is loaded.
-- In: newer: a query that gives each such record with the file; file_id; sequence; run. Out: rejects.
UPDATE rejects
SET closed_at = clock_timestamp(), closed_by_run = {run}, closed_by_file = newer.file_id
FROM ({newer}) AS newer
WHERE rejects.file_id = {file_id} AND rejects.closed_at IS NULL AND rejects.record = newer.record;

UPDATE rejects
SET closed_at = clock_timestamp(), closed_by_run = {run}, closed_by_file = revision.file_id
FROM files AS this
JOIN files AS revision USING (merchant, interface, name)
WHERE rejects.file_id = {file_id} AND rejects.closed_at IS NULL AND this.file_id = {file_id}
  AND revision.state = 'loaded' AND (revision.sequence, revision.file_id) > ({sequence}, {file_id})
