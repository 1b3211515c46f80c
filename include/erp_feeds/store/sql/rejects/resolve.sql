-- Resolve the rejects of earlier files of the interface that this file brings again: by the key of the record, and all of
-- a file of which this is a newer revision. Starts at keys, by the index of rejected_records, so that its cost does not
-- grow with the number of rejects that stay open. OFFSET 0 keeps it so: the rows of the latest files are not in the
-- statistics, and a planner that expects none of them compares every key with every reject.
-- In: taken: a query that gives the key of each record that this load takes; merchant; interface; file_name;
--     file_id; sequence; run. Out: rejects.
UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = {file_id}
FROM (
    SELECT opened.ctid
    FROM ({taken}) AS taken
    CROSS JOIN LATERAL (
        SELECT file_id, record
        FROM rejected_records
        WHERE merchant = {merchant} AND interface = {interface} AND key = taken.key
        OFFSET 0
    ) AS refused
    JOIN files AS earlier ON earlier.file_id = refused.file_id
    CROSS JOIN LATERAL (
        SELECT ctid
        FROM rejects
        WHERE file_id = refused.file_id AND record = refused.record AND resolved_at IS NULL
        OFFSET 0
    ) AS opened
    WHERE (earlier.sequence, earlier.file_id) < ({sequence}, {file_id})
) AS brought
WHERE rejects.ctid = brought.ctid;

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = {file_id}
FROM files AS earlier
WHERE earlier.merchant = {merchant} AND earlier.interface = {interface} AND earlier.name = {file_name}
  AND (earlier.sequence, earlier.file_id) < ({sequence}, {file_id})
  AND rejects.file_id = earlier.file_id AND rejects.resolved_at IS NULL
