-- One file that has been archived. In: file_id. Out: the ledger row.
SELECT file_id, interface, name, size, path, index_number::text, sequence::text, archived, revision
FROM files
WHERE file_id = %(file_id)s
