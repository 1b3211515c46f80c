-- Add line and text to rejected records that have none. In: incoming_originals; file_id. Out: rejects, rejected_records.
UPDATE rejects SET line = new.line
FROM incoming_originals AS new
WHERE rejects.file_id = {file_id} AND rejects.record = new.record AND rejects.line IS NULL;

UPDATE rejected_records SET raw = new.text
FROM incoming_originals AS new
WHERE rejected_records.file_id = {file_id} AND rejected_records.record = new.record AND raw IS NULL
