-- The profiles that only a purchase knows: number and e-mail, with sequence 0, so that any customers file may fill them.
-- What existing profiles lack is filled by profile_gaps.sql. Rules: purchases 3, customers 12 (the custom field).
-- A replay under another mapping says so on the profiles that this file made.
-- In: created, resolved, incoming_purchases; merchant; file_id. Out: profiles.
INSERT INTO profiles (profile_id, merchant, email, custom, sequence, file_id, record, mapping_version)
SELECT created.profile_id, {merchant}, created.email,
       jsonb_strip_nulls(jsonb_build_object('custom_srs_customer_number', numbered.number)),
       0, {file_id}, created.record, incoming_purchases.mapping_version
FROM created
JOIN incoming_purchases ON incoming_purchases.record = created.record
LEFT JOIN (
    SELECT DISTINCT ON (profile_id) profile_id, number
    FROM resolved
    WHERE unknown
    ORDER BY profile_id, record
) AS numbered USING (profile_id);

UPDATE profiles AS old
SET mapping_version = new.mapping_version
FROM incoming_purchases AS new
JOIN resolved USING (record)
WHERE old.profile_id = resolved.profile_id AND old.sequence = 0
  AND (old.file_id, old.record) = ({file_id}, new.record) AND old.mapping_version IS DISTINCT FROM new.mapping_version
