-- Fill the addresses of the profiles whose first wish is also the first one for that address, and drop the wishes that
-- this settles. Repeated until none is left, this is what one record after the other would do. Rule: purchases 12.
-- In: gaps; file_id. Out: profiles; gaps without what is settled; the number of filled profiles.
WITH first AS (
    SELECT profile_id, email, record
    FROM (
        SELECT *, min(record) OVER (PARTITION BY profile_id) AS of_profile, min(record) OVER (PARTITION BY email) AS of_email
        FROM gaps
    ) AS ranked
    WHERE record = of_profile AND record = of_email
), settled AS (
    DELETE FROM gaps
    USING first
    WHERE gaps.profile_id = first.profile_id OR gaps.email = first.email
)
UPDATE profiles AS old
SET email = first.email,
    field_versions = old.field_versions || jsonb_build_object('email', jsonb_build_array(0, {file_id}, first.record)),
    updated_at = now()
FROM first
WHERE old.profile_id = first.profile_id
