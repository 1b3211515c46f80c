-- The ledger: every file that a scan found, and what became of it. Its states are those of codes.FileState, and they change as
-- codes.TRANSITIONS says.

-- name: mark_missing
-- Mark a file that is gone from the inbox: one that was never archived, or was archived truncated and never completed.
-- In: file_id. Out: its state, where it was still wanted.
UPDATE files
SET state = CASE WHEN state = 'waiting' AND archived IS NOT NULL THEN 'quarantined' ELSE 'missing' END,
    finished_at = clock_timestamp()
WHERE file_id = %(file_id)s AND (state IN ('registered', 'waiting') OR state = 'quarantined' AND archived IS NULL)
RETURNING state

-- name: one
-- One file that has been archived. In: file_id. Out: the ledger row.
SELECT file_id, interface, name, size, path, index_number::text, sequence::text, archived, revision
FROM files
WHERE file_id = %(file_id)s

-- name: archive
-- Note where the original of a file is archived, and which revision of its name it is.
-- Rule: same name, other bytes -> a new revision (ERP cache 6). Runs under the lock of the merchant's originals.
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

-- name: is_duplicate
-- Whether the latest file of the same name had the same bytes. Three kinds of earlier files do not count: a quarantined one,
-- since a setting may have been corrected since, so the bytes get another try; one after which other bytes came, since a
-- sender who takes a change back means it; and an imported one that still waits for a replay, since the new file must load.
-- In: file_id, sha256. Out: one boolean.
SELECT EXISTS (
    SELECT FROM files
    JOIN files AS other USING (merchant, interface, name)
    WHERE files.file_id = %(file_id)s AND other.file_id <> files.file_id
      AND other.sha256 = %(sha256)s AND (other.state = 'loaded' OR other.state = 'archived' AND other.path <> '')
      AND NOT EXISTS (
          SELECT FROM files AS later
          WHERE later.merchant = other.merchant AND later.interface = other.interface AND later.name = other.name
            AND later.revision > other.revision AND later.state IN ('archived', 'loaded')
            AND later.file_id <> files.file_id
      )
)

-- name: import
-- A file from before the system existed: its original waits in the archive, without a path on the server. The same bytes
-- under the same name change nothing, unless retention has deleted them; others are the next revision. `modified` is the
-- moment of the import, so that no scan takes a remote file for this one. Runs under the lock of the merchant's originals.
-- In: merchant, interface, name, size, index_number, day, sha256, url. Out: rows written.
INSERT INTO files (merchant, interface, name, size, modified, index_number, revision, sequence, day, sha256, archived, state,
                   archived_at)
SELECT %(merchant)s, %(interface)s, %(name)s, %(size)s, clock_timestamp(), %(index_number)s::numeric, revision,
       round(%(index_number)s::numeric + revision / 10000.0, 4), %(day)s, %(sha256)s, %(url)s, 'archived', clock_timestamp()
FROM (
    SELECT coalesce(max(revision), 0) + 1 AS revision
    FROM files
    WHERE merchant = %(merchant)s AND interface = %(interface)s AND name = %(name)s
      AND state IN ('archived', 'loaded', 'quarantined')
) AS next
WHERE NOT EXISTS (
    SELECT FROM files
    WHERE merchant = %(merchant)s AND interface = %(interface)s AND name = %(name)s AND sha256 = %(sha256)s
      AND state IN ('archived', 'waiting', 'loaded', 'quarantined', 'duplicate') AND archive_deleted_at IS NULL
)

-- name: duplicate
-- The same bytes came under the same name before: a no-op (rule: ERP cache 6).
-- In: file_id, sha256, url, day.
UPDATE files
SET state = 'duplicate', sha256 = %(sha256)s, archived = %(url)s, day = %(day)s, code = NULL, reason = NULL,
    archived_at = clock_timestamp(), finished_at = clock_timestamp()
WHERE file_id = %(file_id)s

-- name: wait
-- Count a fetch that found the file incomplete or was refused: the file waits, or is quarantined at the limit (rule: files 3).
-- A retry of a task in the same run is not counted again.
-- In: file_id, code, reason, run, limit. Out: its state.
UPDATE files
SET attempts = attempts + 1, attempted_at = clock_timestamp(), code = %(code)s, reason = %(reason)s, run_id = %(run)s,
    state = CASE WHEN attempts + 1 >= %(limit)s THEN 'quarantined' ELSE 'waiting' END,
    finished_at = CASE WHEN attempts + 1 >= %(limit)s THEN clock_timestamp() END
WHERE file_id = %(file_id)s AND (state = 'archived' OR archived IS NULL AND state IN ('registered', 'waiting', 'quarantined'))
  AND NOT (state = 'waiting' AND run_id IS NOT DISTINCT FROM %(run)s)
RETURNING state

-- name: quarantine
-- Quarantine a file; a replay that quarantines it for the same reason leaves the row alone. A file that the server did
-- not hand out is fetched again after an hour.
-- In: file_id, code, reason, run; counts, where all of the file has been read, or null.
UPDATE files
SET state = 'quarantined', code = %(code)s, reason = %(reason)s, run_id = %(run)s, finished_at = clock_timestamp(),
    counts = coalesce(%(counts)s::jsonb, counts)
WHERE file_id = %(file_id)s
  AND ((state, code, reason, counts)
       IS DISTINCT FROM ('quarantined', %(code)s, %(reason)s, coalesce(%(counts)s::jsonb, counts))
       OR archived IS NULL)

-- name: finish
-- Mark files as loaded; a replay with the same counts leaves the row alone, the time of its first load always stays.
-- In: file_ids, counts, moments (null: now), each of one file; run.
UPDATE files
SET state = 'loaded', counts = new.counts::jsonb, code = NULL, reason = NULL, run_id = %(run)s,
    finished_at = CASE WHEN state = 'loaded' THEN finished_at ELSE coalesce(new.moment, clock_timestamp()) END
FROM unnest(%(file_ids)s::bigint[], %(counts)s::text[], %(moments)s::timestamptz[]) AS new (file_id, counts, moment)
WHERE files.file_id = new.file_id AND (state, files.counts) IS DISTINCT FROM ('loaded', new.counts::jsonb)

-- name: finished
-- When the loaded files came. In: file_ids, run. Out: file_id; day; seconds from its first scan until it was loaded, NULL
-- where another run had loaded it before, or it was never on the server.
SELECT file_id, day, CASE WHEN path <> '' AND NOT EXISTS (
           SELECT FROM file_runs
           WHERE file_runs.file_id = files.file_id AND file_runs.run_id <> %(run)s AND file_runs.state = 'loaded'
       ) THEN extract(epoch FROM finished_at - first_seen_at)::float8 END
FROM files
WHERE file_id = ANY(%(file_ids)s::bigint[])

-- name: note_runs
-- Keep what a run made of files; the same result again changes nothing.
-- In: file_ids, counts, each of one file; run, state; code and reason of a quarantine, or null. Out: file_runs.
INSERT INTO file_runs AS known (file_id, run_id, state, counts, code, reason)
SELECT file_id, %(run)s, %(state)s, counts::jsonb, %(code)s, %(reason)s
FROM unnest(%(file_ids)s::bigint[], %(counts)s::text[]) AS new (file_id, counts)
ON CONFLICT (file_id, run_id) DO UPDATE
SET state = EXCLUDED.state, counts = EXCLUDED.counts, code = EXCLUDED.code, reason = EXCLUDED.reason,
    at = clock_timestamp()
WHERE (known.state, known.counts, known.code, known.reason)
      IS DISTINCT FROM (EXCLUDED.state, EXCLUDED.counts, EXCLUDED.code, EXCLUDED.reason)

-- name: problems
-- What a run could not load: quarantined files with code and reason, unless a later one has replaced them already, those
-- for which the disk had no room, and the number of rejected records per file and code, unless all of them are dismissed.
-- In: merchant, run. Out: name, state, code, reason, rejected (JSON object: code -> number), how many of them are dismissed.
SELECT files.name, file_runs.state, coalesce(file_runs.code, files.code, ''),
       coalesce(file_runs.reason, files.reason, ''), coalesce(file_runs.counts->'rejected', '{{}}'),
       dismissed
FROM file_runs
JOIN files USING (file_id)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE is_dismissed) AS dismissed, bool_and(is_dismissed) AS all_dismissed
    FROM (
        SELECT bool_and(dismissed_at IS NOT NULL) AS is_dismissed
        FROM rejects WHERE rejects.file_id = files.file_id GROUP BY record
    ) AS rejected_records
) AS rejected
WHERE file_runs.run_id = %(run)s AND files.merchant = %(merchant)s
  AND (file_runs.state = 'quarantined' AND file_id NOT IN (SELECT file_id FROM replaced_files)
       OR file_runs.state = 'waiting' AND file_runs.code = 'no_space'
       OR file_runs.state = 'loaded' AND coalesce(file_runs.counts->'rejected', '{{}}') <> '{{}}'
          AND all_dismissed IS NOT TRUE)
ORDER BY files.interface, files.sequence, files.file_id

-- name: archived
-- Files that a replay takes, one per content.
-- In: merchant, interfaces; fetched: whether the original was ever archived, else it is a quarantined file that the server
--     did not hand out; deleted: whether retention has deleted the original; each or null: file_ids, files (names),
--     rejects (a code that is open: not of what a later file resolved or replaced, nor a person dismissed), since, until
--     (days, both included). Out: ledger rows, in load order.
SELECT file_id, interface, name, size, path, index_number::text, sequence::text, archived, revision
FROM files
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
  AND state IN ('loaded', 'quarantined', 'archived') AND (archived IS NOT NULL) = %(fetched)s
  AND (archive_deleted_at IS NOT NULL) = %(deleted)s
  AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY(%(file_ids)s::bigint[]))
  AND (%(files)s::text[] IS NULL OR name = ANY(%(files)s::text[]))
  AND (%(since)s::date IS NULL OR day >= %(since)s::date)
  AND (%(until)s::date IS NULL OR day <= %(until)s::date)
  AND (%(rejects)s::text IS NULL
       OR state = 'quarantined' AND code = %(rejects)s AND file_id NOT IN (SELECT file_id FROM replaced_files)
       OR EXISTS (
           SELECT FROM rejects
           WHERE rejects.file_id = files.file_id AND rejects.code = %(rejects)s
             AND rejects.resolved_at IS NULL AND rejects.dismissed_at IS NULL
       ))
ORDER BY files.interface, files.sequence, file_id

-- name: note_attempt
-- Note when a run could not take a file. In: file_id.
UPDATE files
SET attempted_at = clock_timestamp()
WHERE file_id = %(file_id)s
