-- Refused records of one merchant, the latest file first.
-- In:  merchant; each or null: code, file (name); with_resolved boolean; max_rows.
-- Out: one row per fault, as in the dataclass Reject; raw is null: it holds personal data and is asked for apart.
SELECT
    files.name AS file, rejects.file_id, files.interface, record, line, rejects.code, field, rejects.reason,
    rejects.run_id, opened_at, resolved_at, resolved_by_run, mending.name AS resolved_by_file, NULL AS raw
FROM rejects
JOIN files USING (file_id)
LEFT JOIN files AS mending ON mending.file_id = rejects.resolved_by_file
WHERE
    files.merchant = %(merchant)s
    AND (%(with_resolved)s OR resolved_at IS NULL)
    AND (%(code)s::text IS NULL OR rejects.code = %(code)s)
    AND (%(file)s::text IS NULL OR files.name = %(file)s)
ORDER BY files.sequence DESC, files.file_id DESC, record, rejects.code, field
LIMIT %(max_rows)s
