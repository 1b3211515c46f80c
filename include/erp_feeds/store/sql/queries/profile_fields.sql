-- What is known of each field of a profile: its value, and the file and record that set it (rules: customers 6, 9, 10).
-- In:  merchant, profile_id.
-- Out: field, value (text; null where a file emptied it), file, record; profile fields first, then custom ones by name.
-- A field without an origin of its own came with the row's latest write (see sql/load/versioned.sql). Of several
-- records about one person in one file, the last is named.
WITH person AS (
    SELECT * FROM profiles WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s
), fields AS (
    SELECT name AS field, place,
        CASE to_jsonb(person) -> name WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE to_jsonb(person) ->> name END AS value
    FROM person, unnest(%(fields)s::text[]) WITH ORDINALITY AS declared (name, place)
    UNION ALL
    SELECT each.name, NULL, custom ->> each.name
    FROM person, LATERAL (
        SELECT jsonb_object_keys(custom) AS name
        UNION SELECT key FROM jsonb_object_keys(field_versions) AS key WHERE key <> ALL (%(fields)s::text[])
    ) AS each
)
SELECT
    field, value, files.name AS file,
    CASE WHEN field_versions ? field THEN (field_versions -> field ->> 2)::int ELSE person.record END AS record
FROM fields
CROSS JOIN person
LEFT JOIN files
    ON files.file_id = CASE WHEN field_versions ? field THEN (field_versions -> field ->> 1)::bigint ELSE person.file_id END
WHERE value IS NOT NULL OR field_versions ? field
ORDER BY place, field
