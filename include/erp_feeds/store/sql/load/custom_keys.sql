-- The custom fields that this load may touch or must keep apart: of its records, and of the profiles that they fill
-- (emptied ones are known only by their origin).
-- In: incoming_profiles, resolved. Out: key.
SELECT jsonb_object_keys(custom) AS key FROM incoming_profiles
UNION
SELECT jsonb_object_keys(custom) FROM profiles WHERE profile_id IN (SELECT profile_id FROM resolved)
UNION
SELECT key
FROM profiles, jsonb_object_keys(field_versions) AS key
WHERE profile_id IN (SELECT profile_id FROM resolved) AND field_versions <> '{{}}' AND key LIKE 'custom\_%'
UNION
SELECT name
FROM incoming_profiles, unnest(string_to_array(btrim(cleared, ','), ',')) AS name
WHERE name LIKE 'custom\_%'
ORDER BY key
