-- Refused files of one merchant, the latest first.
-- In:  merchant; each or null: code, file (name); with_replaced boolean; max_rows.
-- Out: one row per file, as in the dataclass QuarantinedFile.
SELECT
    name AS file, file_id, interface, code, reason, archived, coalesce(finished_at, first_seen_at) AS at, replaced_by
FROM files
LEFT JOIN replaced_files USING (file_id)
WHERE
    merchant = %(merchant)s
    AND state = 'quarantined'
    AND (%(with_replaced)s OR replaced_by IS NULL)
    AND (%(code)s::text IS NULL OR code = %(code)s)
    AND (%(file)s::text IS NULL OR name = %(file)s)
ORDER BY coalesce(finished_at, first_seen_at) DESC, file_id DESC
LIMIT %(max_rows)s
