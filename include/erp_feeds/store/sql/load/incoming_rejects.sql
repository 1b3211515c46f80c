-- The faults of one file's rejected records, as the steps found them. key: by which a newer file may bring the record.
CREATE TEMP TABLE incoming_rejects (record int, code text, field text, reason text, key text) ON COMMIT DROP;
CREATE INDEX ON incoming_rejects (record)
