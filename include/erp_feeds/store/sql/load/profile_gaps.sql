-- What existing profiles lack and the purchases of this file know. Rule: purchases 12.
-- The first record of a profile decides its number. A profile that has one, and an address that somebody holds, stay.
-- What a purchase fills has sequence 0, as the profiles that it makes: any customers file may replace it.
-- In: resolved; merchant; file_id. Out: profiles; temporary table gaps (profile_id, email, record): wishes for an address.
UPDATE profiles AS old
SET custom = old.custom || jsonb_build_object('custom_srs_customer_number', new.number),
    field_versions = old.field_versions
              || jsonb_build_object('custom_srs_customer_number', jsonb_build_array(0, {file_id}, new.record)),
    updated_at = now()
FROM (
    SELECT DISTINCT ON (profile_id) profile_id, number, record
    FROM resolved
    WHERE number IS NOT NULL
    ORDER BY profile_id, record
) AS new
WHERE old.profile_id = new.profile_id AND NOT old.custom ? 'custom_srs_customer_number';

CREATE TEMP TABLE gaps ON COMMIT DROP AS
SELECT resolved.profile_id, resolved.email, min(resolved.record) AS record
FROM resolved
JOIN profiles USING (profile_id)
LEFT JOIN profiles AS holder ON holder.merchant = {merchant} AND holder.email = resolved.email
WHERE resolved.email IS NOT NULL AND profiles.email IS NULL AND holder.profile_id IS NULL
GROUP BY resolved.profile_id, resolved.email
