-- Refused records of one merchant, the latest file first.
-- In:  merchant; each or null: code, file (name); with_raw boolean; max_rows.
-- Out: one row per fault, as in the dataclass Reject; raw is null unless asked for, since it holds personal data.
SELECT
    files.name AS file, rejects.file_id, files.interface, record, line, rejects.code, field, rejects.reason,
    CASE WHEN %(with_raw)s THEN raw END AS raw
FROM rejects
JOIN files USING (file_id)
WHERE
    files.merchant = %(merchant)s
    AND (%(code)s::text IS NULL OR rejects.code = %(code)s)
    AND (%(file)s::text IS NULL OR files.name = %(file)s)
ORDER BY files.sequence DESC, files.file_id DESC, record, rejects.code, field
LIMIT %(max_rows)s
