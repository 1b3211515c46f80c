-- One write per profile: the records of the file that belong to it, laid over each other in file order, field by field,
-- and the e-mail that it won. Rules: customers 6 (the last record wins field by field) and 10 (missing keeps).
-- In:  incoming_profiles, resolved, won; merchant; the lists of fields and what becomes of them, from profiles.py.
-- Out: merchant, profile_id, email, the fields, custom, cleared, mapping_version, record.
WITH several AS MATERIALIZED (
    SELECT profile_id FROM resolved GROUP BY profile_id HAVING count(*) > 1
), records AS NOT MATERIALIZED (
    SELECT resolved.profile_id, incoming_profiles.record, {columns}, coalesce(jsonb_strip_nulls(custom), '{{}}') AS custom, cleared,
           brought, mapping_version
    FROM incoming_profiles
    JOIN resolved USING (record)
), laid AS (
    SELECT profile_id, record, {columns}, custom, cleared, mapping_version
    FROM records
    WHERE profile_id NOT IN (SELECT profile_id FROM several)
    UNION ALL
    SELECT profile_id, max(record), {last_values}, {last_custom}, nullif(',' || concat_ws(',', {emptied}) || ',', ',,'),
           max(mapping_version)
    FROM records AS new
    WHERE profile_id IN (SELECT profile_id FROM several)
    GROUP BY profile_id
)
SELECT {merchant}::text AS merchant, won.email, laid.*
FROM laid
LEFT JOIN won USING (profile_id)
