-- Figures of the last days, for charts. A file is of the day (UTC) on which a scan first found it.

-- name: days
-- In:  merchants, interfaces: text[]; days. Out: as in the dataclass Day, one row per day.
WITH found AS (
    SELECT (first_seen_at AT TIME ZONE 'UTC')::date AS day, state, coalesce((counts ->> 'read')::bigint, 0) AS read,
           extract(epoch FROM loaded.at - first_seen_at)::float AS seconds
    FROM files
    LEFT JOIN LATERAL (
        SELECT min(at) AS at FROM file_runs WHERE file_runs.file_id = files.file_id AND file_runs.state = 'loaded'
    ) AS loaded ON true
    WHERE merchant = ANY (%(merchants)s::text[]) AND interface = ANY (%(interfaces)s::text[])
      AND first_seen_at >= ((now() AT TIME ZONE 'UTC')::date - %(days)s::int + 1) AT TIME ZONE 'UTC'
      AND state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
)
SELECT begin::date AS day, count(found.day) AS files, count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
       coalesce(sum(read), 0)::bigint AS records,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
FROM generate_series(
    (now() AT TIME ZONE 'UTC')::date - %(days)s::int + 1, (now() AT TIME ZONE 'UTC')::date, interval '1 day'
) AS begin
LEFT JOIN found ON found.day = begin::date
GROUP BY begin
ORDER BY begin

-- name: rejects
-- In:  merchants, interfaces: text[]; days. Out: code, records rejected with it in those files; the most first.
SELECT rejected.key AS code, sum(rejected.value::bigint)::bigint AS number
FROM files
CROSS JOIN LATERAL jsonb_each_text(counts -> 'rejected') AS rejected
WHERE merchant = ANY (%(merchants)s::text[]) AND interface = ANY (%(interfaces)s::text[])
  AND first_seen_at >= ((now() AT TIME ZONE 'UTC')::date - %(days)s::int + 1) AT TIME ZONE 'UTC'
  AND state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
GROUP BY rejected.key
ORDER BY number DESC, code
