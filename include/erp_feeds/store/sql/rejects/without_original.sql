-- The rejected records of a file whose text has not been looked up: those that only the store could reject.
-- In: file_id. Out: record.
SELECT DISTINCT record FROM rejects WHERE file_id = %(file_id)s AND resolved_at IS NULL AND line IS NULL
