#!/bin/sh
# Makes the databases, and a role for each that uses them; nobody but the server is superuser. Compose runs it once, when
# PostgreSQL is made. Run it again after an upgrade that adds a role, and to change passwords: what exists stays, and the
# passwords become those of the environment. With Compose, after .env has changed:
#   docker compose up --detach postgres && docker compose exec postgres sh /docker-entrypoint-initdb.d/roles.sh
# `erp-feeds migrate`, run by the owner afterwards, grants the rest: rows to the role of loads, the views analyst_* to
# readers, accounts to the FTPS server. Elsewhere set PGHOST and so on: it connects as the superuser `postgres`.
set -eu
psql --username postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --set airflow="$AIRFLOW_DB_PASSWORD" --set owner="$OWNER_PASSWORD" \
    --set loader="$LOADER_PASSWORD" --set reader="$READER_PASSWORD" --set ftps="$FTPS_ROLE_PASSWORD" <<'SQL'
SET log_statement = 'none'; -- no password in the server's log
SELECT format('CREATE ROLE %I', name)
FROM unnest('{airflow,erp_feeds_owner,erp_feeds_loader,erp_feeds_reader,erp_feeds_ftps}'::text[]) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE airflow LOGIN PASSWORD :'airflow';
ALTER ROLE erp_feeds_owner LOGIN PASSWORD :'owner';
-- Row security hides the suppressed from all but the owner; a load that does not see them would bring them back.
ALTER ROLE erp_feeds_loader LOGIN BYPASSRLS PASSWORD :'loader';
ALTER ROLE erp_feeds_reader LOGIN PASSWORD :'reader';
ALTER ROLE erp_feeds_ftps LOGIN PASSWORD :'ftps';
-- Text in the order of its bytes: that of a language makes loads dearer (docs/operations.md, capacity).
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 LOCALE_PROVIDER %s %L', name, owner,
              CASE WHEN current_setting('server_version_num')::int < 170000 THEN 'libc LOCALE' ELSE 'builtin BUILTIN_LOCALE' END,
              'C.UTF-8')
FROM (VALUES ('airflow', 'airflow'), ('erp_feeds', 'erp_feeds_owner')) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE CONNECT ON DATABASE airflow, erp_feeds FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE erp_feeds TO erp_feeds_loader;
GRANT CONNECT ON DATABASE erp_feeds TO erp_feeds_reader, erp_feeds_ftps;
SQL
