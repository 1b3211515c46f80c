-- What some runs made of their files.
-- In:  merchant, run_ids. Out: one row per run and file, as in the dataclass RunFile.
SELECT
    file_runs.run_id, files.name AS file, file_runs.state, file_runs.code, file_runs.reason, file_runs.counts,
    (
        SELECT count(*) FROM rejects
        WHERE rejects.resolved_by_run = file_runs.run_id AND rejects.resolved_by_file = file_runs.file_id
    ) AS resolved
FROM file_runs
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND file_runs.run_id = ANY (%(run_ids)s::text[])
ORDER BY file_runs.run_id, files.interface, files.sequence, files.file_id
