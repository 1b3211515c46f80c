-- Who gets which e-mail. Each profile wants the e-mail of its last record in the file that has one, unless a newer
-- file has brought the one it holds. Assume that every move succeeds, then take back what cannot, until it is stable.
--
-- In:  resolved; forgotten_emails: belong to nobody; merchant; not_newer: the condition that no newer file brought the e-mail of a profile "old".
-- Out: temporary tables wishes (profile_id, email), won (profile_id, email).
--
-- Rules: customers 5 (an e-mail stays with the profile that has it), 6 (else file order decides) and 9 (swaps succeed).
CREATE TEMP TABLE wishes ON COMMIT DROP AS
SELECT wanted.profile_id, wanted.email, wanted.claim, wanted.owner, old.email AS held
FROM (
    SELECT DISTINCT ON (profile_id) profile_id, email, owner,
           min(said) OVER (PARTITION BY profile_id, email) AS claim
    FROM resolved
    WHERE email IS NOT NULL
    ORDER BY profile_id, said DESC
) AS wanted
LEFT JOIN profiles AS old ON old.profile_id = wanted.profile_id
WHERE (old.profile_id IS NULL OR {not_newer})
  AND wanted.email NOT IN (SELECT email FROM forgotten_emails)
  AND NOT EXISTS (
      SELECT FROM email_refusals AS refused
      WHERE refused.file_id = {file_id} AND refused.profile_id = wanted.profile_id AND refused.email = wanted.email
  );
ANALYZE wishes;

CREATE TEMP TABLE won ON COMMIT DROP AS
WITH RECURSIVE moves AS MATERIALIZED (
    SELECT profile_id, email, claim, owner FROM wishes WHERE held IS DISTINCT FROM email
), first_claims AS MATERIALIZED (
    SELECT DISTINCT ON (email) email, profile_id FROM moves ORDER BY email, claim
), lost AS (
    SELECT moves.profile_id
    FROM moves
    JOIN first_claims USING (email)
    LEFT JOIN moves AS leaving ON leaving.profile_id = moves.owner
    WHERE first_claims.profile_id <> moves.profile_id OR (moves.owner IS NOT NULL AND leaving.profile_id IS NULL)
    UNION
    SELECT moves.profile_id FROM lost JOIN moves ON moves.owner = lost.profile_id
)
SELECT profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM lost);
ANALYZE won;

INSERT INTO email_refusals (file_id, profile_id, email)
SELECT {file_id}, profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM won)
ON CONFLICT (file_id, profile_id) DO UPDATE SET email = EXCLUDED.email
