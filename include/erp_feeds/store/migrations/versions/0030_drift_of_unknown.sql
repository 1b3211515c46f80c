-- A file whose records carry no element that the interface knows drifts most of all, and was taken for one without records.
-- Files without records still say nothing, and neither do those that were loaded before elements were tallied.
CREATE OR REPLACE VIEW erp_feeds.file_drift AS
WITH carried AS (
    SELECT
        file_id, merchant, interface, sequence, counts -> 'unknown' AS unknown,
        (counts -> 'elements') || (counts -> 'unknown') AS elements
    FROM erp_feeds.files
    WHERE state = 'loaded' AND counts ? 'elements' AND (counts -> 'read')::bigint > 0
), beside AS (
    SELECT
        *, lag(elements, 1) OVER line AS first, lag(elements, 2) OVER line AS second, lag(elements, 3) OVER line AS third,
        lead(file_id) OVER line IS NULL AS latest
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
            SELECT name FROM jsonb_object_keys(first) AS name
            WHERE NOT elements ? name AND coalesce(second ? name, true) AND coalesce(third ? name, true)
            ORDER BY name
        ) AS gone
    FROM beside
)
SELECT file_id, merchant, interface, latest, jsonb_build_object('unknown', unknown, 'new', new, 'gone', gone) AS drift
FROM compared
WHERE unknown <> '{}' OR gone <> '{}';
