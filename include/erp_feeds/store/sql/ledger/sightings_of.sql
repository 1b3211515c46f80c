-- Loaded files as they were seen on the server.
-- In: file_ids. Out: interface, name, size, modified, path.
SELECT interface, name, size, modified, path
FROM files
WHERE file_id = ANY(%(file_ids)s) AND state = 'loaded' AND path <> ''
ORDER BY interface, sequence, file_id
