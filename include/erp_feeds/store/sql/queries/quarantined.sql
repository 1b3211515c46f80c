-- Refused files of one merchant, the latest first.
-- In:  merchant; each or null: code, file (name); max_rows.
-- Out: file, file_id, interface, code, reason, archived, at.
SELECT name AS file, file_id, interface, code, reason, archived, coalesce(finished_at, seen_at) AS at
FROM files
WHERE
    merchant = %(merchant)s
    AND state = 'quarantined'
    AND (%(code)s::text IS NULL OR code = %(code)s)
    AND (%(file)s::text IS NULL OR name = %(file)s)
ORDER BY coalesce(finished_at, seen_at) DESC, file_id DESC
LIMIT %(max_rows)s
