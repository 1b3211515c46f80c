-- The rejected records of a file whose keys a newer file has brought, for rows that are loaded by key.
-- In: table; key_column; merchant; sequence; file_id. Out: record, file_id.
SELECT refused.record, brought.file_id
FROM rejected_records AS refused
JOIN {table} AS brought ON brought.merchant = {merchant} AND brought.{key_column} = refused.key
WHERE refused.file_id = {file_id} AND (brought.sequence, brought.file_id) > ({sequence}, {file_id})
