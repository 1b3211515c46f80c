-- Note where the original of a file is kept, and its place among the contents that came under its name.
-- Rule: same name, other bytes -> a new revision (ERP cache 6). Runs under the merchant's lock.
-- In: file_id, sha256, url, day. Out: the ledger row.
WITH others AS (
    SELECT max(other.revision) AS revision
    FROM files
    JOIN files AS other USING (merchant, interface, name)
    WHERE files.file_id = %(file_id)s AND other.file_id <> files.file_id
      AND other.state IN ('archived', 'loaded', 'quarantined')
)
UPDATE files
SET state = 'archived', sha256 = %(sha256)s, archived = %(url)s, day = %(day)s, archived_at = clock_timestamp(),
    revision = coalesce(others.revision, 0) + 1,
    sequence = round(index_number + (coalesce(others.revision, 0) + 1) / 10000.0, 4)
FROM others
WHERE files.file_id = %(file_id)s
RETURNING files.file_id, interface, name, size, path, index_number::text, sequence::text, archived, files.revision
