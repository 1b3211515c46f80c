-- Refuse a whole file; a replay that refuses it for the same reason leaves the row alone. One that the server would
-- not hand out is asked for again, an hour from now.
-- In: file_id, code, reason, run.
UPDATE files
SET state = 'quarantined', code = %(code)s, reason = %(reason)s, run_id = %(run)s, finished_at = clock_timestamp()
WHERE file_id = %(file_id)s
  AND ((state, code, reason) IS DISTINCT FROM ('quarantined', %(code)s, %(reason)s) OR archived IS NULL)
