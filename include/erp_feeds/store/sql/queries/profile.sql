-- One profile, found by its id, its SRS customer number or its e-mail address (rule: customers 1 and 4).
-- In:  merchant and one of profile_id, srs, email; the others null.
-- Out: the profile's fields and the file and record that last wrote it; no row where nothing matches.
SELECT
    profile_id, email, firstname, lastname, gender, birthdate, phone, postcode, city, country, language, currency,
    newsletter, service, marketing, custom, mapping_version, files.name AS file, record, profiles.created_at,
    profiles.updated_at
FROM profiles
LEFT JOIN files USING (file_id)
WHERE
    profiles.merchant = %(merchant)s
    AND profile_id = coalesce(
        %(profile_id)s::bigint,
        (SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = %(srs)s),
        (SELECT profile_id FROM profiles WHERE merchant = %(merchant)s AND email = lower(trim(%(email)s) COLLATE "C") COLLATE "default")
    )
