-- Profiles as a dry run compares them: the fields, the custom fields and the numbers, none of the bookkeeping.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT profile_id::text AS key,
       to_jsonb(profiles) - ARRAY['profile_id', 'merchant', 'custom', 'sequence', 'file_id', 'record', 'field_versions',
                                  'created_at', 'updated_at', 'mapping_version']
       || custom
       || jsonb_build_object('srs', (SELECT jsonb_agg(value ORDER BY value) FROM identifiers
                                     WHERE identifiers.profile_id = profiles.profile_id)) AS fields
FROM profiles
WHERE merchant = {merchant} AND ({chosen})
