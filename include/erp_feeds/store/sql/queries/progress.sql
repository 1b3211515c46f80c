-- How far each file is, for a table that is drawn again and again.
-- In:  merchant or null (null: all).
-- Out: merchant, file, interface, state, code, read, rejected, seconds (from its first scan to the end, or until now).
SELECT
    merchant, name AS file, interface, state, code,
    coalesce((counts ->> 'read')::bigint, 0) AS read,
    (SELECT coalesce(sum(each.value::bigint), 0)::bigint FROM jsonb_each_text(counts -> 'rejected') AS each) AS rejected,
    extract(EPOCH FROM coalesce(finished_at, clock_timestamp()) - first_seen_at)::float8 AS seconds
FROM files
WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
ORDER BY first_seen_at, file_id
