-- What a migration asks of the server.

-- name: holders
-- Which sessions hold locks on the store's tables, or migrate it.
-- In: schema. Out: process, user, application, state, since when (UTC), the longest first.
SELECT pid, coalesce(usename, ''), application_name, coalesce(state, ''), coalesce(xact_start, backend_start) AT TIME ZONE 'UTC'
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND pid IN (
    SELECT pg_locks.pid
    FROM pg_locks
    LEFT JOIN pg_class ON pg_class.oid = pg_locks.relation
    WHERE granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (pg_class.relnamespace = to_regnamespace(%(schema)s)
           OR locktype = 'advisory' AND (pg_locks.classid::bigint << 32) + pg_locks.objid::bigint
              = hashtextextended('erp_feeds migrations', 0))
)
ORDER BY xact_start NULLS LAST, pid
