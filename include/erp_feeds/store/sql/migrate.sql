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

-- name: grants
-- Give the roles of loads and of readers what they need, where a server has them; new tables are covered at each migration.
-- Row security hides the suppressed from all but the owner: the role of loads has BYPASSRLS, else each load is refused.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'erp_feeds_loader') THEN
        GRANT USAGE ON SCHEMA erp_feeds TO erp_feeds_loader;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA erp_feeds TO erp_feeds_loader;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA erp_feeds TO erp_feeds_loader;
        REVOKE INSERT, UPDATE, DELETE ON erp_feeds.alembic_version FROM erp_feeds_loader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'erp_feeds_reader') THEN
        GRANT USAGE ON SCHEMA erp_feeds TO erp_feeds_reader;
        GRANT SELECT ON erp_feeds.analyst_profiles, erp_feeds.analyst_purchases, erp_feeds.analyst_purchase_lines,
            erp_feeds.analyst_files TO erp_feeds_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'erp_feeds_ftps') THEN -- the FTPS server, which the world can reach
        GRANT USAGE ON SCHEMA erp_feeds TO erp_feeds_ftps;
        GRANT SELECT, UPDATE (last_login_at) ON erp_feeds.ftps_accounts TO erp_feeds_ftps;
    END IF;
END $$
