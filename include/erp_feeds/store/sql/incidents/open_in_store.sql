-- What of a merchant's files and records is open: quarantined and not replaced, put off for want of room, rejected. The
-- rejects of a quarantined file are no cause of their own.
-- In:  merchant.
-- Out: per interface, kind and code: number, since, reason (of the latest), run_id (the latest), the first examples.
WITH open AS (
    SELECT interface, 'quarantined' AS kind, code, reason, run_id, coalesce(finished_at, seen_at) AS at, file_id,
           0 AS record, name AS example
    FROM files LEFT JOIN replaced_files USING (file_id)
    WHERE merchant = %(merchant)s AND state = 'quarantined' AND replaced_by IS NULL
    UNION ALL
    SELECT interface, 'put_off', latest.code, latest.reason, latest.run_id, latest.at, files.file_id, 0, name
    FROM files
    CROSS JOIN LATERAL (SELECT * FROM file_runs WHERE file_runs.file_id = files.file_id ORDER BY at DESC LIMIT 1) AS latest
    WHERE merchant = %(merchant)s AND files.state IN ('seen', 'archived', 'waiting') AND latest.state = 'put_off'
    UNION ALL
    SELECT DISTINCT ON (interface, rejects.code, file_id, record)
           interface, 'rejected', rejects.code, rejects.reason, rejects.run_id, opened_at, file_id, record,
           format('%%s: record %%s', name, record)
    FROM rejects JOIN files USING (file_id)
    WHERE merchant = %(merchant)s AND state = 'loaded' AND resolved_at IS NULL
    ORDER BY interface, kind, code, file_id, record
)
SELECT interface, kind, coalesce(code, '') AS code, count(*)::int AS number, min(at) AS since,
       coalesce((array_agg(reason ORDER BY at DESC))[1], '') AS reason,
       coalesce((array_agg(run_id ORDER BY at DESC))[1], '') AS run_id,
       (array_agg(example ORDER BY at, file_id, record))[1:5] AS examples
FROM open
GROUP BY interface, kind, code
ORDER BY interface, kind, code
