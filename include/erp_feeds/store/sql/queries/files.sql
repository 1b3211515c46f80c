-- The ledger's files of one merchant, the latest seen first.
-- In:  merchant, max_rows; each or null: states text[], interface, file_ids.
-- Out: one row per file, as in the dataclass LedgerFile; a quarantined one that a later one replaced is in state replaced.
SELECT
    file_id, interface, name, shown.state, code, reason, revision, day, size, attempts, run_id,
    coalesce(counts, jsonb_build_object()) AS counts, archived, sha256, first_seen_at, finished_at,
    archive_deleted_at, replaced_by, coalesce(drift, jsonb_build_object()) AS drift
FROM files
LEFT JOIN file_drift USING (merchant, interface, file_id)
LEFT JOIN replaced_files USING (file_id)
CROSS JOIN LATERAL (SELECT CASE WHEN replaced_by IS NULL THEN files.state ELSE 'replaced' END AS state) AS shown
WHERE
    merchant = %(merchant)s
    AND (%(states)s::text[] IS NULL OR shown.state = ANY (%(states)s::text[]))
    AND (%(interface)s::text IS NULL OR interface = %(interface)s)
    AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY(%(file_ids)s::bigint[]))
ORDER BY first_seen_at DESC, file_id DESC
LIMIT %(max_rows)s
