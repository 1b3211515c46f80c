-- Second step: unknown numbers, and records without one, are looked up against the addresses as the moves leave them.
-- A number goes by its last address in the file; who finds nobody makes a profile, the earliest record of each address
-- for all that bear it. Rules: customers 2 to 4, 6 and 9.
-- In:  known, moves; merchant.
-- Out: temporary tables
--      newcomers (record, number, email, profile_id: found, or null; maker: the record that makes the profile then)
--      created   (profile_id, number, email, record): the profiles to make.
CREATE TEMP TABLE newcomers ON COMMIT DROP AS
SELECT latest.record, latest.number, latest.email, coalesce(moves.profile_id, holder.profile_id) AS profile_id,
       min(latest.record) OVER (
           PARTITION BY latest.email, CASE WHEN latest.email IS NULL THEN latest.number END
       ) AS maker
FROM (
    SELECT record, number,
           CASE WHEN number IS NULL THEN email
                ELSE first_value(email) OVER (PARTITION BY number ORDER BY email IS NULL, record DESC) END AS email
    FROM known
    WHERE profile_id IS NULL
) AS latest
LEFT JOIN moves ON moves.email = latest.email
LEFT JOIN profiles AS holder
       ON holder.merchant = {merchant} AND holder.email = latest.email
      AND holder.profile_id NOT IN (SELECT profile_id FROM moves);
ANALYZE newcomers;

CREATE TEMP TABLE created ON COMMIT DROP AS
SELECT nextval('profile_ids') AS profile_id, number, email, record
FROM (SELECT * FROM newcomers WHERE profile_id IS NULL AND record = maker ORDER BY record) AS makers;
ANALYZE created
