-- Files that are quarantined for too many rejects, and load all the same where a person approves.

-- name: find
-- Files that a person may approve: quarantined for too many rejects, and not replaced.
-- In: each or null: file_id, merchant, interfaces, file (name), run (that quarantined it).
-- Out: as in the dataclass Question, the latest first.
SELECT file_id, merchant, interface, name AS file, reason, counts
FROM files
LEFT JOIN replaced_files USING (file_id)
WHERE state = 'quarantined' AND code = 'too_many_rejects' AND replaced_by IS NULL
  AND (%(file_id)s::bigint IS NULL OR file_id = %(file_id)s)
  AND (%(merchant)s::text IS NULL OR merchant = %(merchant)s)
  AND (%(interfaces)s::text[] IS NULL OR interface = ANY (%(interfaces)s))
  AND (%(file)s::text IS NULL OR name = %(file)s)
  AND (%(run)s::text IS NULL OR EXISTS (
      SELECT FROM file_runs
      WHERE file_runs.file_id = files.file_id AND file_runs.run_id = %(run)s AND file_runs.code = 'too_many_rejects'
  ))
ORDER BY file_id DESC

-- name: outcome
-- What became of a file that was asked about. In: file_id.
-- Out: name, state, code, approved_by, replaced (whether a later file of its name is loaded); nothing where there is no such file.
SELECT name, state, code, approved_by, replaced_by IS NOT NULL
FROM files
LEFT JOIN replaced_files USING (file_id)
WHERE file_id = %(file_id)s

-- name: approve
-- Let a file load with so many rejected records; a load that rejects more is quarantined again.
-- In: file_id, rejects, by.
UPDATE files
SET approved_rejects = %(rejects)s, approved_by = %(by)s, approved_at = clock_timestamp()
WHERE file_id = %(file_id)s
