-- Resolve the rejects of the file itself that it has no more, and those that were resolved before it came, so that the
-- same ones are open whatever the order of files: records that a newer file brought, and all where a newer revision of
-- the file is loaded.
-- In: incoming_rejects; newer: a query that gives each rejected record that newer files brought, and the file; file_id;
--     sequence; run. Out: rejects.
UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = {file_id}
WHERE file_id = {file_id} AND resolved_at IS NULL
  AND NOT EXISTS (
      SELECT FROM incoming_rejects AS new
      WHERE new.record = rejects.record AND new.code = rejects.code AND coalesce(new.field, '') = rejects.field
  );

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = newer.file_id
FROM ({newer}) AS newer
CROSS JOIN LATERAL (  -- record by record, as in resolve.sql
    SELECT ctid
    FROM rejects
    WHERE file_id = {file_id} AND record = newer.record AND resolved_at IS NULL
    OFFSET 0
) AS opened
WHERE rejects.ctid = opened.ctid;

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = revision.file_id
FROM files AS this
JOIN files AS revision USING (merchant, interface, name)
WHERE rejects.file_id = {file_id} AND rejects.resolved_at IS NULL AND this.file_id = {file_id}
  AND revision.state = 'loaded' AND (revision.sequence, revision.file_id) > ({sequence}, {file_id})
