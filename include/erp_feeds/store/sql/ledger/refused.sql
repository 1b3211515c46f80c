-- What a run refused: whole files with code and reason, unless a later one has replaced them already, those that it
-- put off for want of room, and the number of rejected records per file and code.
-- In: merchant, run. Out: name, state, code, reason, rejected (JSON object: code -> number).
SELECT files.name, file_runs.state, coalesce(file_runs.code, files.code, ''),
       coalesce(file_runs.reason, files.reason, ''), coalesce(file_runs.counts->'rejected', '{{}}')
FROM file_runs
JOIN files USING (file_id)
WHERE file_runs.run_id = %(run)s AND files.merchant = %(merchant)s
  AND (file_runs.state = 'quarantined' AND file_id NOT IN (SELECT file_id FROM replaced_files)
       OR file_runs.state = 'put_off'
       OR file_runs.state = 'loaded' AND coalesce(file_runs.counts->'rejected', '{{}}') <> '{{}}')
ORDER BY files.interface, files.sequence, files.file_id
