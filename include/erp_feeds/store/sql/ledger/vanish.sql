-- What is gone from the inbox: never archived, be it that the server refused it, or archived truncated and never completed.
-- In: file_id. Out: its state, where it was still wanted.
UPDATE files
SET state = CASE WHEN state = 'waiting' AND archived IS NOT NULL THEN 'quarantined' ELSE 'vanished' END, finished_at = clock_timestamp()
WHERE file_id = %(file_id)s AND (state IN ('seen', 'waiting') OR state = 'quarantined' AND archived IS NULL)
RETURNING state
