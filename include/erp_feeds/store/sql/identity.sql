-- Which profile each record of the files of a wave belongs to. No person is in two files of a wave. `record` is numbered
-- consecutively over all files, in their order; minus loading.before it is the number within its own file.

-- name: keep_identifiers
-- Store the new numbers with the rule that linked each, once the new profiles exist. Rules: customers 1 and 2.
-- In: resolved; loading; merchant. Out: identifiers.
INSERT INTO identifiers (merchant, type, value, profile_id, file_id, record, rule)
SELECT {merchant}, 'srs', number, profile_id, file_id, record - before, rule
FROM (
    SELECT number, profile_id, file AS file_id, min(record) AS record, rule
    FROM resolved
    WHERE unknown
    GROUP BY number, profile_id, file, rule
) AS numbered
JOIN loading USING (file_id)
ORDER BY profile_id

-- name: keep_matches
-- Store to which profile the address of each record without a number led. Rule: customers 4.
-- In: resolved; loading. Out: email_matches.
INSERT INTO email_matches AS known (file_id, record, email, profile_id, rule)
SELECT file_id, record - before, email, profile_id, rule
FROM resolved
JOIN loading ON file_id = file
WHERE unmatched
ON CONFLICT (file_id, record) DO UPDATE
SET email = EXCLUDED.email, profile_id = EXCLUDED.profile_id, rule = EXCLUDED.rule

-- name: known
-- The people in the files whom the store knows already: by number; or, for a record without a number, by the profile to
-- which the same record led when it was loaded before, so that a reload decides the same. Rules: customers 1 and 4.
-- In:  incoming: a table with file, record, number, email; suppressed_emails: they count as absent; loading; merchant.
-- Out: known (file, record, number, email, profile_id or null, held: the address of that profile, own: its row is of this file).
INSERT INTO known (file, record, number, email, profile_id, held, own)
SELECT people.file, people.record, people.number, people.email, profiles.profile_id, profiles.email AS held,
       profiles.file_id = people.file AS own
FROM (
    SELECT file, record, record - before AS own, number,
           CASE WHEN email NOT IN (SELECT email FROM suppressed_emails) THEN email END AS email
    FROM {incoming}
    JOIN loading ON file_id = file
) AS people
LEFT JOIN identifiers AS numbered
       ON numbered.merchant = {merchant} AND numbered.type = 'srs' AND numbered.value = people.number
LEFT JOIN email_matches AS matched
       ON people.number IS NULL AND matched.file_id = people.file AND matched.record = people.own
      AND matched.email = people.email
LEFT JOIN profiles ON profiles.profile_id = coalesce(numbered.profile_id, matched.profile_id)

-- name: wishes
-- First step: the moves of the known numbers' profiles. Each wants the address of the last record of its numbers.
-- Rules: customers 5 (an address stays with its holder), 6 (addresses that a later record replaces do not count), 9.
-- In:  known; loading; merchant; movable: the condition under which a profile "old" may take a new address.
-- Out: wishes (file, profile_id, email, record, holder).
INSERT INTO wishes (file, profile_id, email, record, holder)
SELECT wanted.file, wanted.profile_id, wanted.email, wanted.record, holder.profile_id AS holder
FROM (
    SELECT DISTINCT ON (profile_id) file, profile_id, email, record, held
    FROM known
    WHERE number IS NOT NULL AND profile_id IS NOT NULL AND email IS NOT NULL
    ORDER BY profile_id, record DESC
) AS wanted
JOIN loading ON loading.file_id = wanted.file
JOIN profiles AS old ON old.profile_id = wanted.profile_id
LEFT JOIN profiles AS holder ON holder.merchant = {merchant} AND holder.email = wanted.email
WHERE wanted.held IS DISTINCT FROM wanted.email AND {movable}
  AND NOT EXISTS (
      SELECT FROM email_conflicts AS conflict
      WHERE conflict.file_id = wanted.file AND conflict.profile_id = wanted.profile_id AND conflict.email = wanted.email
  )

-- name: moves
-- The wishes that succeed. Assume that every move succeeds, then withdraw those that cannot, until nothing changes: so swaps
-- and chains succeed as a whole.
-- In: wishes. Out: moves.
INSERT INTO moves (profile_id, email)
WITH RECURSIVE first_wishes AS MATERIALIZED (
    SELECT DISTINCT ON (email) email, profile_id FROM wishes ORDER BY email, record
), lost AS (
    SELECT wishes.profile_id
    FROM wishes
    JOIN first_wishes USING (email)
    LEFT JOIN wishes AS leaving ON leaving.profile_id = wishes.holder
    WHERE first_wishes.profile_id <> wishes.profile_id OR (wishes.holder IS NOT NULL AND leaving.profile_id IS NULL)
    UNION
    SELECT wishes.profile_id FROM lost JOIN wishes ON wishes.holder = lost.profile_id
)
SELECT profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM lost)

-- name: conflicts
-- Store the wishes that failed. A reload does not try them again, even if the address is free by then.
-- In: wishes; moves. Out: email_conflicts.
INSERT INTO email_conflicts (file_id, profile_id, email)
SELECT file, profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM moves)
ON CONFLICT (file_id, profile_id) DO UPDATE SET email = EXCLUDED.email

-- name: newcomers
-- Second step: unknown numbers, and records without one, are looked up against the addresses as the moves leave them.
-- A number counts with its last address in the file. Where no profile is found, a new one is made: by the earliest record of
-- an address, for all records with that address. Rules: customers 2 to 4, 6 and 9.
-- In:  known, moves; merchant.
-- Out: newcomers (file, record, number, email, profile_id: found, or null; maker: the record that makes the profile then).
INSERT INTO newcomers (file, record, number, email, profile_id, maker)
SELECT latest.file, latest.record, latest.number, latest.email, coalesce(moves.profile_id, holder.profile_id) AS profile_id,
       min(latest.record) OVER (
           PARTITION BY latest.email, CASE WHEN latest.email IS NULL THEN latest.number END
       ) AS maker
FROM (
    SELECT file, record, number,
           CASE WHEN number IS NULL THEN email
                ELSE first_value(email) OVER (PARTITION BY number ORDER BY email IS NULL, record DESC) END AS email
    FROM known
    WHERE profile_id IS NULL
) AS latest
LEFT JOIN moves ON moves.email = latest.email
LEFT JOIN profiles AS holder
       ON holder.merchant = {merchant} AND holder.email = latest.email
      AND holder.profile_id NOT IN (SELECT profile_id FROM moves)

-- name: created
-- The profiles that the newcomers make. In: newcomers. Out: created.
INSERT INTO created (profile_id, number, email, record)
SELECT nextval('profile_ids') AS profile_id, number, email, record
FROM (SELECT * FROM newcomers WHERE profile_id IS NULL AND record = maker ORDER BY record) AS makers

-- name: failed_moves
-- How many profiles did not get the address that a file brought. Rules: customers 5, 9. In: loading. Out: file; number.
SELECT file_id, count(*) FROM email_conflicts WHERE file_id IN (SELECT file_id FROM loading) GROUP BY file_id

-- name: no_email
-- New numbers that came without an e-mail: such profiles cannot be mailed (rule: customers 3). A replay counts the same.
-- In: resolved; merchant. Out: file; number.
-- Each number is looked up by the primary key: a plain join is planned by the statistics of the file's rows, and a new file has
-- none, so it would group the whole file again for each number.
SELECT file, count(*)
FROM (
    SELECT file, number FROM resolved WHERE number IS NOT NULL GROUP BY file, number HAVING count(email) = 0
) AS silent
WHERE file = (
    SELECT file_id FROM identifiers WHERE merchant = {merchant} AND type = 'srs' AND value = silent.number
)
GROUP BY file

-- name: resolved
-- The profile of each record, by which rule, and the address that the record brings it.
-- In:  known, moves, newcomers, created; made_by_number, made_by_email: the rules by which this file makes a profile.
-- Out: resolved, one row per record: file, record, number, email, profile_id, rule; address: the e-mail of the
--      record where it is the one of its profile from now on; unknown: the number is new; unmatched: a record without
--      number that is loaded for the first time.
INSERT INTO resolved (file, record, number, email, profile_id, rule, address, unknown, unmatched)
SELECT known.file, known.record, known.number, known.email, known.profile_id,
       CASE WHEN known.number IS NULL THEN 'customers 4' ELSE 'customers 1' END AS rule,
       CASE WHEN known.email = coalesce(moves.email, known.held) THEN known.email END AS address,
       false AS unknown, false AS unmatched
FROM known
LEFT JOIN moves USING (profile_id)
WHERE known.profile_id IS NOT NULL
UNION ALL
SELECT newcomers.file, newcomers.record, newcomers.number, newcomers.email, coalesce(newcomers.profile_id, created.profile_id),
       CASE WHEN newcomers.number IS NULL AND created.record = newcomers.record THEN {made_by_email}
            WHEN newcomers.number IS NULL THEN 'customers 4'
            WHEN created.profile_id IS NULL THEN 'customers 2'
            WHEN created.number = newcomers.number THEN {made_by_number}
            ELSE 'customers 6' END,
       newcomers.email, newcomers.number IS NOT NULL, newcomers.number IS NULL
FROM newcomers
LEFT JOIN created ON newcomers.profile_id IS NULL AND created.record = newcomers.maker

-- name: several
-- Whether any profile has several records. In: resolved. Out: one boolean.
SELECT EXISTS (SELECT FROM resolved GROUP BY profile_id HAVING count(*) > 1)
