-- Which profile each record of one file belongs to. All records are planned before any is applied, so that the
-- result does not depend on batching or parallelism.
--
-- In:  people: a query (record, said, number, email) over the file, said being the record that brought the e-mail;
--      forgotten_emails: belong to nobody; merchant; file_id; made_by_number, made_by_email: the rules by which this
--      interface creates a profile; moves: the condition under which a profile "old" takes a new e-mail from this file.
-- Out: temporary tables
--      resolved (record, said, number, email, owner, unknown, unmatched, profile_id, rule), one row per record;
--        owner: who had the e-mail before; unknown: the number is new; unmatched: found by e-mail for the first time;
--        rule: which rule decided on the profile
--      created  (profile_id, number, email, record): profiles to make, with the first record that asks for each.
--
-- Rules: customers 1 to 4 and 6, purchases 3 and 4.
--   1. Number known: that profile. No number, and this very record was matched by its e-mail before: that profile.
--   2. Else, e-mail owned by a profile before this file: that profile, unless an earlier record of the file gives it
--      another address, that nobody has: then the address is free, as if each record came in a file of its own.
--   3. Else, e-mail owned by nobody: the first record in file order that bears it decides for all that bear it:
--      if its profile is known by 1, that one; else one new profile for the e-mail.
--   4. A new number without e-mail: a new profile. A new number with several e-mails in the file: its first counts.
CREATE TEMP TABLE known ON COMMIT DROP AS
SELECT people.record, people.said, people.number, people.email,
       coalesce(numbered.profile_id, matched.profile_id) AS settled, owner.profile_id AS owner, owner.profile_id AS found
FROM ({people}) AS people
LEFT JOIN identifiers AS numbered
       ON numbered.merchant = {merchant} AND numbered.type = 'srs' AND numbered.value = people.number
LEFT JOIN email_matches AS matched
       ON people.number IS NULL AND matched.file_id = {file_id} AND matched.record = people.record
      AND matched.email = people.email
LEFT JOIN profiles AS owner ON owner.merchant = {merchant} AND owner.email = people.email;
ANALYZE known;

-- Whom a new record would join by an e-mail that its owner has left by then. Only a move that surely succeeds counts: to
-- an address that nobody has, and nobody else in the file asks for.
UPDATE known SET found = NULL
FROM (
    SELECT DISTINCT ON (sought.owner)
           sought.owner AS profile_id, sought.email, known.email AS taken, known.owner, known.said
    FROM (SELECT DISTINCT owner, email FROM known WHERE settled IS NULL AND owner IS NOT NULL) AS sought
    JOIN profiles AS old ON old.profile_id = sought.owner AND {moves}
    JOIN known ON known.settled = sought.owner AND known.email IS NOT NULL
    ORDER BY sought.owner, known.said DESC
) AS last
WHERE known.email = last.email AND known.said > last.said
  AND last.owner IS NULL AND last.taken NOT IN (SELECT email FROM forgotten_emails)
  AND NOT EXISTS (
      SELECT FROM known AS rival WHERE rival.email = last.taken AND rival.settled IS DISTINCT FROM last.profile_id
  )
  AND NOT EXISTS (
      SELECT FROM email_refusals AS refused WHERE refused.file_id = {file_id} AND refused.profile_id = last.profile_id
  );

CREATE TEMP TABLE newcomers ON COMMIT DROP AS
SELECT DISTINCT ON (number) number, email, found, record, said
FROM known
WHERE number IS NOT NULL AND settled IS NULL
ORDER BY number, email IS NULL, record;
ANALYZE newcomers;

CREATE TEMP TABLE bearers ON COMMIT DROP AS
SELECT DISTINCT ON (email) email, settled, record
FROM (
    SELECT email, settled, record, said FROM known WHERE (settled IS NOT NULL OR number IS NULL) AND found IS NULL
    UNION ALL
    SELECT email, NULL, record, said FROM newcomers WHERE found IS NULL
) AS candidates
WHERE email IN (SELECT email FROM known WHERE settled IS NULL AND found IS NULL)
ORDER BY email, said;
ANALYZE bearers;

CREATE TEMP TABLE created ON COMMIT DROP AS
SELECT nextval('profile_ids') AS profile_id, number, email, record
FROM (
    SELECT NULL AS number, email, record FROM bearers WHERE settled IS NULL
    UNION ALL
    SELECT number, NULL, record FROM newcomers WHERE email IS NULL
    ORDER BY record
) AS wanted;
ANALYZE created;

CREATE TEMP TABLE resolved ON COMMIT DROP AS
WITH by_email AS (
    SELECT bearers.email, coalesce(bearers.settled, created.profile_id) AS profile_id,
           CASE WHEN bearers.settled IS NULL THEN bearers.record END AS made_by
    FROM bearers LEFT JOIN created ON created.email = bearers.email
), by_number AS (
    SELECT newcomers.number, coalesce(newcomers.found, by_email.profile_id, created.profile_id) AS profile_id,
           CASE WHEN newcomers.found IS NOT NULL THEN 'customers 2'
                WHEN created.profile_id IS NOT NULL OR by_email.made_by = newcomers.record THEN {made_by_number}
                ELSE 'customers 6' END AS rule
    FROM newcomers
    LEFT JOIN by_email ON by_email.email = newcomers.email
    LEFT JOIN created ON created.number = newcomers.number
)
SELECT known.record, known.said, known.number, known.email, known.owner,
       known.settled IS NULL AND known.number IS NOT NULL AS unknown,
       known.settled IS NULL AND known.number IS NULL AS unmatched,
       coalesce(known.settled, by_number.profile_id, known.found, by_email.profile_id) AS profile_id,
       CASE WHEN by_number.number IS NOT NULL THEN by_number.rule
            WHEN known.number IS NOT NULL THEN 'customers 1'
            WHEN by_email.made_by = known.record THEN {made_by_email}
            ELSE 'customers 4' END AS rule
FROM known
LEFT JOIN by_number ON known.settled IS NULL AND by_number.number = known.number
LEFT JOIN by_email ON known.settled IS NULL AND known.number IS NULL AND by_email.email = known.email;
ANALYZE resolved;
