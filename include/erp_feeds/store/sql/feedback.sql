-- Result files: which are pending, and which were uploaded.

-- name: open_rejects
-- The open errors of a file, neither resolved nor dismissed; never reasons or records, which may hold personal data.
-- In: file_id. Out: record, line, code, field.
SELECT record, line, code, field
FROM rejects
WHERE file_id = %(file_id)s AND resolved_at IS NULL AND dismissed_at IS NULL
ORDER BY record, code, field

-- name: pending
-- Files whose result may have changed since it was uploaded: run again, or a reject resolved by a newer
-- file or dismissed.
-- Only the latest file of a name, since the result bears that name; and only what happened in the last days, so that
-- switching feedback on does not send the whole history. Nor does a backfill of imported files, which have no path: the
-- sender did not upload them here.
-- In: merchant, run (its own files always count), days, limit.
-- Out: file_id, name, sha256, state, code, counts, uploaded (digest), read_at.
WITH touched AS (
    SELECT file_id, max(at) AS at, bool_or(run_id = %(run)s) AS own
    FROM (
        SELECT file_id, at, run_id FROM file_runs
        WHERE at > now() - make_interval(days => %(days)s) OR run_id = %(run)s
        UNION ALL
        SELECT file_id, resolved_at, NULL FROM rejects
        WHERE resolved_at > now() - make_interval(days => %(days)s)
        UNION ALL
        SELECT file_id, dismissed_at, NULL FROM rejects
        WHERE dismissed_at > now() - make_interval(days => %(days)s)
    ) AS events
    GROUP BY file_id
)
SELECT file_id, name, coalesce(sha256, ''), state, coalesce(code, ''), counts, coalesce(result_digest, ''),
       statement_timestamp()
FROM touched
JOIN files USING (file_id)
WHERE merchant = %(merchant)s AND state IN ('loaded', 'quarantined') AND path <> ''
  AND (own OR result_at IS NULL OR at > result_at)
  AND NOT EXISTS (
      SELECT FROM files AS newer
      WHERE newer.merchant = files.merchant AND newer.interface = files.interface AND newer.name = files.name
        AND newer.file_id > files.file_id AND newer.state IN ('loaded', 'quarantined'))
ORDER BY own DESC NULLS LAST, file_id
LIMIT %(limit)s

-- name: mark_uploaded
-- Remember which result lies on the server, and when the ledger was read for it: what happens later makes it pending again.
-- In: file_id, digest, read_at.
UPDATE files SET result_digest = %(digest)s, result_at = %(read_at)s
WHERE file_id = %(file_id)s
