-- Whom the store knows of the people in one file: by their number, and of those without one by what the same record led
-- to when it was loaded before, so that a reload decides the same. Rules: customers 1 and 4.
-- In:  people: a query (record, number, email) over the file; suppressed_emails: they count as absent; merchant; file_id.
-- Out: temporary table known (record, number, email, profile_id or null, held: the address of that profile).
CREATE TEMP TABLE known ON COMMIT DROP AS
SELECT people.record, people.number, people.email, profiles.profile_id, profiles.email AS held
FROM (
    SELECT record, number, CASE WHEN email NOT IN (SELECT email FROM suppressed_emails) THEN email END AS email
    FROM ({people}) AS every
) AS people
LEFT JOIN identifiers AS numbered
       ON numbered.merchant = {merchant} AND numbered.type = 'srs' AND numbered.value = people.number
LEFT JOIN email_matches AS matched
       ON people.number IS NULL AND matched.file_id = {file_id} AND matched.record = people.record
      AND matched.email = people.email
LEFT JOIN profiles ON profiles.profile_id = coalesce(numbered.profile_id, matched.profile_id);
ANALYZE known
