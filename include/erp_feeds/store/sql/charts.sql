-- Figures of the last days, for charts. A file is of the day (UTC) on which a scan first found it.

-- name: days
-- In:  merchants, interfaces: text[]; days. Out: as in the dataclass Day, one row per day.
WITH found AS (
    SELECT (first_seen_at AT TIME ZONE 'UTC')::date AS day, files.state, coalesce((files.counts ->> 'read')::bigint, 0) AS read,
           extract(epoch FROM min(at) FILTER (WHERE file_runs.state = 'loaded') - first_seen_at)::float AS seconds
    FROM files
    LEFT JOIN file_runs USING (file_id)
    WHERE merchant = ANY (%(merchants)s::text[]) AND interface = ANY (%(interfaces)s::text[])
      AND first_seen_at >= ((now() AT TIME ZONE 'UTC')::date - %(days)s::int + 1) AT TIME ZONE 'UTC'
      AND files.state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
    GROUP BY file_id
)
SELECT begin::date AS day, count(found.day) AS files, count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
       coalesce(sum(read), 0)::bigint AS records,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds) AS seconds
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
