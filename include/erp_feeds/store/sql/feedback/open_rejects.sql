-- The faults of a file that no load has resolved yet; never reasons or records, which may hold personal data.
-- In: file_id. Out: record, line, code, field.
SELECT record, line, code, field
FROM rejects
WHERE file_id = %(file_id)s AND resolved_at IS NULL
ORDER BY record, code, field
