-- Rows that a newer file brings unchanged: they are not written; instead it is noted that the file confirms them.
--
-- A row holds (sequence, file_id, record) of its newest write: its place. As long as files load in order, no load reads it,
-- since every later file is newer. Only the load of a file that is older than a confirming one needs the true place: then
-- `apply` writes it into the rows.

-- name: matched
-- The stored rows of the files' records, looked up once. is_same: writing the record would change nothing but places: every
-- field has the value that the newer file brings, and each emptied field was emptied by the row's newest write and is emptied
-- again. In: target; key, new_key; source, as in load/added; old_fields, new_fields; emptied: the field_versions that the file
-- would leave, by the old place; merchant. Out: matched.
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
-- Whether the true places are needed: a file loads that is not newer than all confirming ones; or there are so many
-- confirmations that they would take more room than the rows. In: merchant; table_name; sequence; most: files. Out: one boolean.
SELECT coalesce(max(sequence) >= {sequence}::numeric, false) OR count(DISTINCT file_id) > {most}
FROM confirmations
WHERE merchant = {merchant} AND table_name = {table_name}

-- name: collect
-- The newest file that confirms each row of a table. In: merchant; table_name. Out: confirmed.
CREATE TEMP TABLE confirmed ON COMMIT DROP AS
SELECT DISTINCT ON (key, base_file, base_record) key, base_file, base_record, sequence, file_id, record
FROM confirmations
CROSS JOIN LATERAL unnest(keys, records, base_files, base_records) AS noted (key, record, base_file, base_record)
WHERE merchant = {merchant} AND table_name = {table_name}
ORDER BY key, base_file, base_record, sequence DESC, file_id DESC;
ANALYZE confirmed

-- name: apply_fields
-- Write the true places into field_versions, for the fields that came with the write that a file confirmed: the file brought
-- them too. In: table; key; confirmed; merchant. Out: the table.
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
-- Write the true places into the rows. In: table; key; confirmed; merchant; table_name. Out: the table; confirmations: none left.
UPDATE {table} AS old
SET sequence = confirmed.sequence, file_id = confirmed.file_id, record = confirmed.record
FROM confirmed
WHERE old.merchant = {merchant} AND old.{key}::text = confirmed.key
  AND (old.file_id, old.record) = (confirmed.base_file, confirmed.base_record);

DELETE FROM confirmations WHERE merchant = {merchant} AND table_name = {table_name};
DROP TABLE confirmed
