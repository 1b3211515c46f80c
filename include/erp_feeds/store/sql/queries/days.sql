-- The days of some files. In:  file_ids. Out: first, last; both null without files.
SELECT min(day), max(day) FROM files WHERE file_id = ANY (%(file_ids)s::bigint[])
