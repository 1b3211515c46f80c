-- The profile of each record of one file, by which rule, and the address that the record brings it.
-- In:  known, moves, newcomers, created; made_by_number, made_by_email: the rules by which this file makes a profile.
-- Out: temporary table resolved, one row per record: record, number, email, profile_id, rule; address: the e-mail of the
--      record where it is the one of its profile from now on; unknown: the number is new; unmatched: a record without
--      number that is here for the first time.
CREATE TEMP TABLE resolved ON COMMIT DROP AS
SELECT known.record, known.number, known.email, known.profile_id,
       CASE WHEN known.number IS NULL THEN 'customers 4' ELSE 'customers 1' END AS rule,
       CASE WHEN known.email = coalesce(moves.email, known.held) THEN known.email END AS address,
       false AS unknown, false AS unmatched
FROM known
LEFT JOIN moves USING (profile_id)
WHERE known.profile_id IS NOT NULL
UNION ALL
SELECT newcomers.record, newcomers.number, newcomers.email, coalesce(newcomers.profile_id, created.profile_id),
       CASE WHEN newcomers.number IS NULL AND created.record = newcomers.record THEN {made_by_email}
            WHEN newcomers.number IS NULL THEN 'customers 4'
            WHEN created.profile_id IS NULL THEN 'customers 2'
            WHEN created.number = newcomers.number THEN {made_by_number}
            ELSE 'customers 6' END,
       newcomers.email, newcomers.number IS NOT NULL, newcomers.number IS NULL
FROM newcomers
LEFT JOIN created ON newcomers.profile_id IS NULL AND created.record = newcomers.maker;
ANALYZE resolved
