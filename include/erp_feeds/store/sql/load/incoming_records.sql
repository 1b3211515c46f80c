-- The refused records of one file as delivered, each with the line on which it starts in its member.
CREATE TEMP TABLE incoming_records (record int PRIMARY KEY, line int, raw text) ON COMMIT DROP
