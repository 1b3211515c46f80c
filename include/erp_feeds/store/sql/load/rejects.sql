-- Keep the refused records of a file; the same refusal again writes nothing, so that a replay doubles nothing.
-- What a replay had closed and is refused again opens again; what a newer file mended stays closed.
-- In: incoming_rejects, incoming_records; file_id; run. Out: rejects, rejected_records.
MERGE INTO rejected_records AS known
USING (
    SELECT record, max(incoming_rejects.key) AS key, max(incoming_records.raw) AS raw
    FROM incoming_rejects
    LEFT JOIN incoming_records USING (record)
    GROUP BY record
) AS new
ON known.file_id = {file_id} AND known.record = new.record
WHEN MATCHED AND (known.key, known.raw) IS DISTINCT FROM (new.key, new.raw) THEN
    UPDATE SET key = new.key, raw = new.raw
WHEN NOT MATCHED THEN
    INSERT (file_id, record, key, raw) VALUES ({file_id}, new.record, new.key, new.raw);

MERGE INTO rejects AS known
USING (
    SELECT DISTINCT ON (record, code, coalesce(field, '')) record, code, coalesce(field, '') AS field, line, reason
    FROM incoming_rejects
    LEFT JOIN incoming_records USING (record)
    ORDER BY record, code, coalesce(field, ''), reason
) AS new
ON known.file_id = {file_id} AND known.record = new.record AND known.code = new.code AND known.field = new.field
WHEN MATCHED AND known.closed_by_file = {file_id} THEN
    UPDATE SET line = new.line, reason = new.reason, run_id = {run}, opened_at = clock_timestamp(),
               closed_at = NULL, closed_by_run = NULL, closed_by_file = NULL
WHEN MATCHED AND (known.line, known.reason) IS DISTINCT FROM (new.line, new.reason) THEN
    UPDATE SET line = new.line, reason = new.reason
WHEN NOT MATCHED THEN
    INSERT (file_id, record, code, field, line, reason, run_id)
    VALUES ({file_id}, new.record, new.code, new.field, new.line, new.reason, {run})
