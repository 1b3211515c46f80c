-- Close the rejects that this load mends:
--   of the file itself, what it is not refused for any more;
--   of earlier files of the interface, what came again: the same key in a newer file, or a newer revision of the file.
-- In: incoming_rejects; taken: a query that gives the key of each record that this load takes; merchant; file_id;
--     sequence; run. Out: rejects.
UPDATE rejects
SET closed_at = clock_timestamp(), closed_by_run = {run}, closed_by_file = {file_id}
WHERE file_id = {file_id} AND closed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM incoming_rejects AS new
      WHERE new.record = rejects.record AND new.code = rejects.code AND coalesce(new.field, '') = rejects.field
  );

UPDATE rejects
SET closed_at = clock_timestamp(), closed_by_run = {run}, closed_by_file = {file_id}
FROM files AS earlier, files AS this
WHERE rejects.closed_at IS NULL AND rejects.file_id = earlier.file_id AND this.file_id = {file_id}
  AND earlier.merchant = {merchant} AND earlier.interface = this.interface
  AND (earlier.sequence, earlier.file_id) < ({sequence}, {file_id})
  AND (
      earlier.name = this.name
      OR EXISTS (
          SELECT FROM rejected_records AS refused
          WHERE refused.file_id = rejects.file_id AND refused.record = rejects.record
            AND refused.key IN ({taken})
      )
  )
