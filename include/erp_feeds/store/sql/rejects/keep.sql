-- Keep the rejected records of a file; the same reject again writes nothing, so that a replay doubles nothing.
-- What a replay had resolved and is rejected again opens again; what a newer file resolved stays so.
-- The file is a column of what is new: a constant would be looked up once, for as many rows as its statistics say, and
-- they know nothing of the latest files.
-- In: incoming_rejects, incoming_originals; merchant; interface; file_id; run. Out: rejects, rejected_records.
MERGE INTO rejected_records AS known
USING (
    SELECT {file_id} AS file_id, record, max(incoming_rejects.key) AS key, max(incoming_originals.text) AS raw
    FROM incoming_rejects
    LEFT JOIN incoming_originals USING (record)
    GROUP BY record
) AS new
ON known.file_id = new.file_id AND known.record = new.record
WHEN MATCHED AND (known.key, known.raw) IS DISTINCT FROM (new.key, coalesce(new.raw, known.raw)) THEN
    UPDATE SET key = new.key, raw = coalesce(new.raw, known.raw)
WHEN NOT MATCHED THEN
    INSERT (file_id, record, merchant, interface, key, raw)
    VALUES ({file_id}, new.record, {merchant}, {interface}, new.key, new.raw);

MERGE INTO rejects AS known
USING (
    SELECT DISTINCT ON (record, code, coalesce(field, ''))
           {file_id} AS file_id, record, code, coalesce(field, '') AS field, line, reason
    FROM incoming_rejects
    LEFT JOIN incoming_originals USING (record)
    ORDER BY record, code, coalesce(field, ''), reason
) AS new
ON known.file_id = new.file_id AND known.record = new.record AND known.code = new.code AND known.field = new.field
WHEN MATCHED AND known.resolved_by_file = {file_id} THEN
    UPDATE SET line = coalesce(new.line, known.line), reason = new.reason, run_id = {run},
               opened_at = clock_timestamp(), resolved_at = NULL, resolved_by_run = NULL, resolved_by_file = NULL
WHEN MATCHED AND (known.line, known.reason) IS DISTINCT FROM (coalesce(new.line, known.line), new.reason) THEN
    UPDATE SET line = coalesce(new.line, known.line), reason = new.reason
WHEN NOT MATCHED THEN
    INSERT (file_id, record, code, field, line, reason, run_id)
    VALUES ({file_id}, new.record, new.code, new.field, new.line, new.reason, {run})
