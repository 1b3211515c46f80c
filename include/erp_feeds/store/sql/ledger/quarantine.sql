-- Refuse a whole file; a replay that refuses it for the same reason leaves the row alone. One that the server would
-- not hand out is asked for again, an hour from now.
-- In: file_id, code, reason, run; counts, where all of the file has been read, or null.
UPDATE files
SET state = 'quarantined', code = %(code)s, reason = %(reason)s, run_id = %(run)s, finished_at = clock_timestamp(),
    counts = coalesce(%(counts)s::jsonb, counts)
WHERE file_id = %(file_id)s
  AND ((state, code, reason, counts)
       IS DISTINCT FROM ('quarantined', %(code)s, %(reason)s, coalesce(%(counts)s::jsonb, counts))
       OR archived IS NULL)
