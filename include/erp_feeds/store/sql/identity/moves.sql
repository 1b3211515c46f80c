-- First step: the moves of the known numbers' profiles. Each wants the address of the last record of its numbers. Assume
-- that every move succeeds, then take back those that cannot, until nothing changes: so swaps and chains succeed as a
-- whole. Rules: customers 5 (an address stays with whom it belongs to), 6 (superseded addresses do not count), 9.
-- In:  known; merchant; file_id; movable: the condition under which a profile "old" may take a new address.
-- Out: temporary tables wishes (profile_id, email, record, holder) and moves (profile_id, email); email_conflicts: the
--      wishes that failed. A reload does not try them again, even where the address is free by then.
CREATE TEMP TABLE wishes ON COMMIT DROP AS
SELECT wanted.profile_id, wanted.email, wanted.record, holder.profile_id AS holder
FROM (
    SELECT DISTINCT ON (profile_id) profile_id, email, record, held
    FROM known
    WHERE number IS NOT NULL AND profile_id IS NOT NULL AND email IS NOT NULL
    ORDER BY profile_id, record DESC
) AS wanted
JOIN profiles AS old ON old.profile_id = wanted.profile_id
LEFT JOIN profiles AS holder ON holder.merchant = {merchant} AND holder.email = wanted.email
WHERE wanted.held IS DISTINCT FROM wanted.email AND {movable}
  AND NOT EXISTS (
      SELECT FROM email_conflicts AS refused
      WHERE refused.file_id = {file_id} AND refused.profile_id = wanted.profile_id AND refused.email = wanted.email
  );
ANALYZE wishes;

CREATE TEMP TABLE moves ON COMMIT DROP AS
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
SELECT profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM lost);
ANALYZE moves;

INSERT INTO email_conflicts (file_id, profile_id, email)
SELECT {file_id}, profile_id, email FROM wishes WHERE profile_id NOT IN (SELECT profile_id FROM moves)
ON CONFLICT (file_id, profile_id) DO UPDATE SET email = EXCLUDED.email
