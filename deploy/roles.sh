#!/bin/sh
# Runs once, when PostgreSQL is made: the databases, and a role for each that uses them. Nobody but the server is superuser.
set -eu
psql --username postgres --no-psqlrc --set ON_ERROR_STOP=1 \
    --set airflow="$AIRFLOW_DB_PASSWORD" --set owner="$OWNER_PASSWORD" \
    --set loader="$LOADER_PASSWORD" --set reader="$READER_PASSWORD" --set ftps="$FTPS_ROLE_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE erp_feeds_owner LOGIN PASSWORD :'owner';
-- Row security hides the suppressed from all but the owner; a load that does not see them would bring them back.
CREATE ROLE erp_feeds_loader LOGIN BYPASSRLS PASSWORD :'loader';
CREATE ROLE erp_feeds_reader LOGIN PASSWORD :'reader';
CREATE ROLE erp_feeds_ftps LOGIN PASSWORD :'ftps';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE erp_feeds OWNER erp_feeds_owner;
REVOKE CONNECT ON DATABASE airflow, erp_feeds FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE erp_feeds TO erp_feeds_loader;
GRANT CONNECT ON DATABASE erp_feeds TO erp_feeds_reader, erp_feeds_ftps;
-- `erp-feeds migrate`, run by the owner, grants the rest: rows to the role of loads, the views analyst_* to readers, accounts to the FTPS server.
SQL
