-- A file whose records carry no element that the interface knows drifts most of all, and was taken for one without records.
-- Files without records still say nothing, and neither do those that were loaded before elements were tallied.
-- An optional element that a few records happen to lack is not gone. One is, that this file has nowhere, and each of the
-- files before, up to three, at least once for every two of its records; this file, and those before together, must have
-- at least 20 records.
CREATE OR REPLACE VIEW erp_feeds.file_drift AS
WITH carried AS (
    SELECT
        file_id, merchant, interface, sequence, counts -> 'unknown' AS unknown, (counts -> 'read')::bigint AS records,
        (counts -> 'elements') || (counts -> 'unknown') AS elements
    FROM erp_feeds.files
    WHERE state = 'loaded' AND counts ? 'elements' AND (counts -> 'read')::bigint > 0
), beside AS (
    SELECT
        *, lag(elements, 1) OVER line AS first, lag(elements, 2) OVER line AS second, lag(elements, 3) OVER line AS third,
        lag(records, 1) OVER line AS first_records, lag(records, 2) OVER line AS second_records,
        lag(records, 3) OVER line AS third_records, lead(file_id) OVER line IS NULL AS latest
    FROM carried
    WINDOW line AS (PARTITION BY merchant, interface ORDER BY sequence, file_id)
), compared AS (
    SELECT
        file_id, merchant, interface, latest, unknown,
        ARRAY(
            SELECT name FROM jsonb_object_keys(unknown) AS name
            WHERE NOT first ? name AND NOT coalesce(second ? name, false) AND NOT coalesce(third ? name, false)
            ORDER BY name
        ) AS new,
        ARRAY(
            SELECT name FROM jsonb_each(first) AS known (name, number)
            WHERE records >= 20 AND first_records + coalesce(second_records, 0) + coalesce(third_records, 0) >= 20
              AND NOT elements ? name AND 2 * number::bigint >= first_records
              AND coalesce(2 * coalesce((second -> name)::bigint, 0) >= second_records, true)
              AND coalesce(2 * coalesce((third -> name)::bigint, 0) >= third_records, true)
            ORDER BY name
        ) AS gone
    FROM beside
)
SELECT file_id, merchant, interface, latest, jsonb_build_object('unknown', unknown, 'new', new, 'gone', gone) AS drift
FROM compared
WHERE unknown <> '{}' OR gone <> '{}';
COMMENT ON VIEW erp_feeds.file_drift IS
    'Elements of a file that were unknown or new, or are gone though at least half of the records of each of the files before had them.';
