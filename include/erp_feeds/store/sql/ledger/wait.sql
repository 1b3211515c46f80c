-- One more fetch found the file incomplete, or was refused: it waits, or at the limit is quarantined (rule: files 3).
-- In: file_id, code, reason, run, limit. Out: its state.
UPDATE files
SET attempts = attempts + 1, attempted_at = clock_timestamp(), code = %(code)s, reason = %(reason)s, run_id = %(run)s,
    state = CASE WHEN attempts + 1 >= %(limit)s THEN 'quarantined' ELSE 'waiting' END,
    finished_at = CASE WHEN attempts + 1 >= %(limit)s THEN clock_timestamp() END
WHERE file_id = %(file_id)s AND (state = 'archived' OR archived IS NULL AND state IN ('seen', 'waiting', 'quarantined'))
RETURNING state
