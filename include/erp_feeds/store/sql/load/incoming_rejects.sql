-- The refused records of one file, as the steps found them.
CREATE TEMP TABLE incoming_rejects (record int, code text, field text, line int, reason text, raw text) ON COMMIT DROP
