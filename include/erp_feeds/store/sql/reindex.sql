-- Another index number for a file that came under a wrong one (rule: files 10).

-- name: files
-- Give every revision of a file another index number, and the day that it stands for.
-- In: merchant, interfaces, name, index_number, day (or null: it stays). Out: file_id, interface, state, of each revision.
UPDATE files
SET index_number = %(index_number)s::numeric, day = coalesce(%(day)s::date, day),
    sequence = round(%(index_number)s::numeric + revision / 10000.0, 4)
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s) AND name = %(name)s AND archived IS NOT NULL
RETURNING file_id, interface, state

-- name: purchases
-- The orders and returns that the files wrote last. In: merchant; file_ids. Out: purchases.
UPDATE purchases
SET sequence = files.sequence
FROM files
WHERE purchases.merchant = {merchant} AND purchases.file_id = ANY({file_ids}::bigint[]) AND files.file_id = purchases.file_id

-- name: versioned
-- The versioned rows (load.sql, versioned) that the files wrote: each field of theirs gets the new sequence, and the row
-- names the write that is then the newest. Values from purchases keep their sequence 0.
-- In: table; key; fields: the names of its columns; merchant; file_ids. Out: the table.
WITH written AS (
    SELECT * FROM {table}
    WHERE merchant = {merchant}
      AND (file_id = ANY({file_ids}::bigint[])
           OR field_versions <> '{{}}' AND EXISTS (
               SELECT FROM jsonb_each(field_versions) AS version WHERE (version.value ->> 1)::bigint = ANY({file_ids}::bigint[])
           ))
), filled AS (
    SELECT written.{key}, name
    FROM written
    CROSS JOIN LATERAL jsonb_object_keys(
        jsonb_strip_nulls(to_jsonb(written) || coalesce(to_jsonb(written) -> 'custom', '{{}}'))
    ) AS name
    WHERE name = ANY({fields}::text[]) OR name LIKE 'custom\_%'
), versions AS (  -- of the row, without a name, and of each field
    SELECT {key}, NULL AS name, sequence, file_id, record FROM written
    UNION ALL
    SELECT {key}, name, sequence, file_id, record FROM written JOIN filled USING ({key}) WHERE NOT field_versions ? name
    UNION ALL
    SELECT {key}, version.key, (version.value ->> 0)::numeric, (version.value ->> 1)::bigint, (version.value ->> 2)::int
    FROM written
    CROSS JOIN LATERAL jsonb_each(field_versions) AS version
), placed AS (
    SELECT versions.{key}, versions.name, file_id, versions.record,
           CASE WHEN file_id = ANY({file_ids}::bigint[]) AND versions.sequence > 0 THEN files.sequence
                ELSE versions.sequence END AS sequence
    FROM versions
    JOIN files USING (file_id)
), newest AS (
    SELECT DISTINCT ON ({key}) {key}, sequence, file_id, record
    FROM placed
    ORDER BY {key}, sequence DESC, file_id DESC, record DESC
), other AS (
    SELECT {key}, jsonb_object_agg(name, jsonb_build_array(placed.sequence, placed.file_id, placed.record)) AS versions
    FROM placed
    JOIN newest USING ({key})
    LEFT JOIN filled USING ({key}, name)
    WHERE name IS NOT NULL
      AND (filled.{key} IS NULL OR (placed.sequence, placed.file_id) <> (newest.sequence, newest.file_id))
    GROUP BY {key}
)
UPDATE {table} AS old
SET sequence = newest.sequence, file_id = newest.file_id, record = newest.record,
    field_versions = coalesce(other.versions, '{{}}')
FROM newest
LEFT JOIN other USING ({key})
WHERE old.merchant = {merchant} AND old.{key} = newest.{key}

-- name: reopen
-- Undo what the files decided against later files, so that a replay of those decides again: rejects that they resolved,
-- addresses that they held. In: merchant, interface, index_number, file_ids. Out: rejects, email_conflicts.
WITH later AS MATERIALIZED (
    SELECT file_id FROM files
    WHERE merchant = {merchant} AND interface = {interface} AND index_number >= {index_number}::numeric
      AND file_id <> ALL({file_ids}::bigint[])
), conflicts AS (
    DELETE FROM email_conflicts WHERE file_id IN (SELECT file_id FROM later)
)
UPDATE rejects
SET resolved_at = NULL, resolved_by_run = NULL, resolved_by_file = NULL
WHERE resolved_by_file = ANY({file_ids}::bigint[]) AND file_id IN (SELECT file_id FROM later)

-- name: first_day
-- The first day of the files to replay. In: merchant, interface, index_number. Out: one day.
SELECT min(day)
FROM files
WHERE merchant = %(merchant)s AND interface = %(interface)s AND index_number >= %(index_number)s::numeric
