-- Mark a file as loaded; a replay with the same counts leaves the row alone, its first time of loading always stays.
-- In: file_id, counts, run.
UPDATE files
SET state = 'loaded', counts = %(counts)s, code = NULL, reason = NULL, run_id = %(run)s,
    finished_at = CASE WHEN state = 'loaded' THEN finished_at ELSE clock_timestamp() END
WHERE file_id = %(file_id)s AND (state, counts) IS DISTINCT FROM ('loaded', %(counts)s::jsonb)
