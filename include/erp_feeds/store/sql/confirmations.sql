-- Rows that a newer file brings as they are already: they are not written, it is noted that the file confirms them.
--
-- A row says (sequence, file_id, record) of its newest write: its place. Between files in order nobody asks for it, since
-- any later file is newer. Only a load of a file that is not newer than all of them needs the true place: `apply` writes it.

-- name: matched
-- The rows that the records of files meet, looked up once; is_same: every field is as a newer file brings it, and each
-- emptied field was emptied by the row's newest write, and is emptied again, so that all that the write of this file would
-- change is the row's place, and that of what is emptied. In: target; key, new_key; source, as in load/added;
-- old_fields, new_fields; emptied: the field_versions that the file would leave, by the old place; merchant. Out: matched.
INSERT INTO matched (key, sequence, file_id, record, base_file, base_record, is_same)
SELECT old.{key}::text, new.sequence, new.file_id, new.record, old.file_id, old.record,
       (old.sequence, old.file_id) < ({sequence}, {file_id})
       AND ({old_fields}) IS NOT DISTINCT FROM ({new_fields}) AND old.field_versions = {emptied}
FROM ({source}) AS new
JOIN {target} AS old ON old.merchant = {merchant} AND old.{key} = new.{new_key}

-- name: same
-- How many of them are the same. In: matched. Out: number.
SELECT count(*) FROM matched WHERE is_same

-- name: confirm
-- Note what files confirm. In: matched; merchant; table_name. Out: confirmations.
INSERT INTO confirmations (merchant, table_name, sequence, file_id, keys, records, base_files, base_records)
SELECT {merchant}, {table_name}, sequence, file_id,
       array_agg(key), array_agg(record), array_agg(base_file), array_agg(base_record)
FROM (SELECT *, (row_number() OVER () - 1) / 10000 AS part FROM matched WHERE is_same) AS numbered
GROUP BY sequence, file_id, part

-- name: needed
-- Whether the true places are needed: a file that is not newer than all that confirm loads; or so many confirm that they
-- would take more room than the rows. In: merchant; table_name; sequence; most: files. Out: one boolean.
SELECT coalesce(max(sequence) >= {sequence}::numeric, false) OR count(DISTINCT file_id) > {most}
FROM confirmations
WHERE merchant = {merchant} AND table_name = {table_name}

-- name: collect
-- What is noted of a table: the newest file that confirms each row. In: merchant; table_name. Out: confirmed.
CREATE TEMP TABLE confirmed ON COMMIT DROP AS
SELECT DISTINCT ON (key, base_file, base_record) key, base_file, base_record, sequence, file_id, record
FROM confirmations
CROSS JOIN LATERAL unnest(keys, records, base_files, base_records) AS noted (key, record, base_file, base_record)
WHERE merchant = {merchant} AND table_name = {table_name}
ORDER BY key, base_file, base_record, sequence DESC, file_id DESC;
ANALYZE confirmed

-- name: apply_fields
-- Write the true places to the fields that versioned rows remember by a base: what was brought by the write that the file
-- confirmed, the file brought too. In: table; key; confirmed; merchant. Out: the table.
UPDATE {table} AS old
SET field_versions = true_versions.versions
FROM (
    SELECT named.{key} AS key, count(confirmed.key) AS confirmed,
           jsonb_object_agg(version.key, CASE
               WHEN confirmed.key IS NULL THEN version.value
               ELSE jsonb_build_array(confirmed.sequence, confirmed.file_id, confirmed.record)
           END) AS versions
    FROM {table} AS named
    CROSS JOIN LATERAL jsonb_each(named.field_versions) AS version
    LEFT JOIN confirmed
           ON confirmed.key = named.{key}::text AND confirmed.base_file = (version.value ->> 1)::bigint
          AND confirmed.base_record = (version.value ->> 2)::int
    WHERE named.merchant = {merchant} AND named.field_versions <> '{{}}'
    GROUP BY named.{key}
) AS true_versions
WHERE old.merchant = {merchant} AND old.{key} = true_versions.key AND true_versions.confirmed > 0

-- name: apply
-- Write the true places to the rows. In: table; key; confirmed; merchant; table_name. Out: the table; confirmations: none left.
UPDATE {table} AS old
SET sequence = confirmed.sequence, file_id = confirmed.file_id, record = confirmed.record
FROM confirmed
WHERE old.merchant = {merchant} AND old.{key}::text = confirmed.key
  AND (old.file_id, old.record) = (confirmed.base_file, confirmed.base_record);

DELETE FROM confirmations WHERE merchant = {merchant} AND table_name = {table_name};
DROP TABLE confirmed
