-- The profiles that only a purchase knows: number and e-mail, with sequence 0, so that any customers file may fill them.
-- Fields of existing profiles are never changed by a purchase. Rules: purchases 3, customers 12 (the custom field).
-- In: created, resolved; merchant; file_id. Out: profiles.
INSERT INTO profiles (profile_id, merchant, email, custom, sequence, file_id, record)
SELECT created.profile_id, {merchant}, created.email,
       jsonb_strip_nulls(jsonb_build_object('custom_srs_customer_number', numbered.number)),
       0, {file_id}, created.record
FROM created
LEFT JOIN (
    SELECT DISTINCT ON (profile_id) profile_id, number
    FROM resolved
    WHERE unknown
    ORDER BY profile_id, record
) AS numbered USING (profile_id)
