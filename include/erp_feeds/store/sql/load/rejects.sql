-- Replace the rejects of a file by those of this load; only differences are written.
-- In: incoming_rejects, file_id. Out: rejects.
DELETE FROM rejects
WHERE file_id = {file_id} AND NOT EXISTS (
    SELECT FROM incoming_rejects AS new
    WHERE new.record = rejects.record AND new.code = rejects.code AND coalesce(new.field, '') = rejects.field
);

MERGE INTO rejects AS known
USING (
    SELECT DISTINCT ON (record, code, coalesce(field, ''))
           record, code, coalesce(field, '') AS field, line, reason, raw
    FROM incoming_rejects
    ORDER BY record, code, coalesce(field, ''), line
) AS new
ON known.file_id = {file_id} AND known.record = new.record AND known.code = new.code AND known.field = new.field
WHEN MATCHED AND (known.line, known.reason, known.raw) IS DISTINCT FROM (new.line, new.reason, new.raw) THEN
    UPDATE SET line = new.line, reason = new.reason, raw = new.raw
WHEN NOT MATCHED THEN
    INSERT (file_id, record, code, field, line, reason, raw)
    VALUES ({file_id}, new.record, new.code, new.field, new.line, new.reason, new.raw)
