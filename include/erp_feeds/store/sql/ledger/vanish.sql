-- What is gone from the inbox: never archived, or archived truncated and never mended.
-- In: file_ids.
UPDATE files
SET state = CASE state WHEN 'waiting' THEN 'quarantined' ELSE 'vanished' END, finished_at = clock_timestamp()
WHERE file_id = ANY (%(file_ids)s) AND state IN ('seen', 'waiting')
