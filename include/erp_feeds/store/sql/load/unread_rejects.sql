-- Refused records whose original text has not been looked up yet.
-- In: incoming_rejects, incoming_records. Out: record.
SELECT record FROM incoming_rejects
EXCEPT
SELECT record FROM incoming_records
