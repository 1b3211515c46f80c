-- The rejected records of a file whose keys a newer file has brought, for rows that are loaded by key.
-- Key by key, as in resolve.sql. In: table; key_column; merchant; sequence; file_id. Out: record, file_id.
SELECT refused.record, brought.file_id
FROM rejected_records AS refused
CROSS JOIN LATERAL (
    SELECT sequence, file_id FROM {table} WHERE merchant = {merchant} AND {key_column} = refused.key OFFSET 0
) AS brought
WHERE refused.file_id = {file_id} AND (brought.sequence, brought.file_id) > ({sequence}, {file_id})
