-- Questions about rejected records; they write nothing.

-- name: open_rejects
-- Open rejects of loaded files, as every page, command and alert counts them: a record once, and per code once for each of
-- its codes. The rejects of a quarantined file are counted nowhere: the file as a whole is open.
-- In:  merchants text[]. Out: as in the dataclass OpenRejects, of the merchants that have any.
WITH open AS (
    SELECT DISTINCT merchant, file_id, record, rejects.code
    FROM rejects JOIN files USING (file_id)
    WHERE merchant = ANY (%(merchants)s::text[]) AND state = 'loaded' AND resolved_at IS NULL AND dismissed_at IS NULL
), per_code AS (
    SELECT merchant, code, count(*) AS number FROM open GROUP BY merchant, code
)
SELECT merchant, counted.records, jsonb_object_agg(code, number) AS codes
FROM per_code
JOIN (SELECT merchant, count(DISTINCT (file_id, record)) AS records FROM open GROUP BY merchant) AS counted USING (merchant)
GROUP BY merchant, records

-- name: rejected_records
-- Rejected records as they were delivered: personal data, which only the owner of the table sees.
-- In:  file_ids, records: parallel arrays. Out: file_id, record, key, raw.
SELECT file_id, record, key, raw
FROM rejected_records
WHERE (file_id, record) IN (SELECT * FROM unnest(%(file_ids)s::bigint[], %(records)s::int[]))

-- name: rejects
-- Rejected records of one merchant, the latest file first.
-- In:  merchant; each or null: interface, code, field, file (name), file_id, record; with_all: the resolved and dismissed
--      ones too; max_rows; after text[]: null, or file_id, record, code and field of the last row before.
-- Out: one row per error, as in the dataclass Reject; key and raw are null: they hold personal data and are asked for apart.
SELECT
    files.name AS file, rejects.file_id, files.interface, record, line, rejects.code, field, rejects.reason,
    rejects.run_id, opened_at, resolved_at, resolved_by_run, resolving.name AS resolved_by_file, dismissed_at,
    dismissed_by, dismissed_reason, NULL AS key, NULL AS raw
FROM rejects
JOIN files USING (file_id)
LEFT JOIN files AS resolving ON resolving.file_id = rejects.resolved_by_file
WHERE
    files.merchant = %(merchant)s
    AND (%(with_all)s OR resolved_at IS NULL AND dismissed_at IS NULL)
    AND (%(interface)s::text IS NULL OR files.interface = %(interface)s)
    AND (%(field)s::text IS NULL OR field = %(field)s)
    AND (%(code)s::text IS NULL OR rejects.code = %(code)s)
    AND (%(file)s::text IS NULL OR files.name = %(file)s)
    AND (%(file_id)s::bigint IS NULL OR rejects.file_id = %(file_id)s)
    AND (%(record)s::int IS NULL OR record = %(record)s)
    AND (
        %(after)s::text[] IS NULL
        OR (-rejects.file_id, record, rejects.code, field)
            > (-(%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::int, (%(after)s::text[])[3], (%(after)s::text[])[4])
    )
ORDER BY rejects.file_id DESC, record, rejects.code, field
LIMIT %(max_rows)s
