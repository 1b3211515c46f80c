-- Rejected records of one file as delivered, each with the line on which it starts in its member.
CREATE TEMP TABLE incoming_originals (record int PRIMARY KEY, line int, text text) ON COMMIT DROP
