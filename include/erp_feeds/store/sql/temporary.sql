-- The temporary tables of a load. They live as long as the connection and are empty at the end of each transaction: a load of
-- many small files makes them once, and PostgreSQL reuses its plans from file to file.

-- name: make
-- loading: the files that load together, in waves. moment: when its rows count as made, so that one file's are older than the
-- next one's. before: subtracted from `record` in incoming_profiles, _purchases and _lines, it gives the number in the file.
-- suppressed_emails: the addresses of one file that no profile gets. incoming_…: the frames. incoming_rejects: the errors of
-- rejected records; key: by which a newer file may bring the record. incoming_originals: those records as delivered, with the
-- line on which each starts. The other tables: see sql/identity.sql and sql/load.sql. They are analysed once, since the planner
-- expects hundreds of rows in a table without statistics, and mostly there are none.
CREATE TEMP TABLE loading (
    file_id bigint PRIMARY KEY, sequence numeric, name text, moment timestamptz, before int
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE suppressed_emails (email text) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE incoming_rejects (
    file bigint, record int, code text, field text, reason text, key text
) ON COMMIT DELETE ROWS;
CREATE INDEX ON incoming_rejects (file, record);
CREATE TEMP TABLE incoming_originals (
    file bigint, record int, line int, text text, PRIMARY KEY (file, record)
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE incoming_purchases (
    record int, file bigint, key text, purchase_id text, kind text, channel text, number text, email text, order_number text,
    receipt_number text, branch text, local_time text, occurred_at timestamptz, currency text, total numeric(14,2),
    line_count int, content_hash text, custom jsonb, mapping_version text, shares_receipt boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE incoming_lines (
    record int, line_no int, sku text, description text, quantity numeric(14,3), amount numeric(14,2)
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE known (
    file bigint, record int, number text, email text, profile_id bigint, held text, own boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE wishes (file bigint, profile_id bigint, email text, record int, holder bigint) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE moves (profile_id bigint, email text) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE newcomers (file bigint, record int, number text, email text, profile_id bigint, maker int) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE created (profile_id bigint, number text, email text, record int) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE resolved (
    file bigint, record int, number text, email text, profile_id bigint, rule text, address text, unknown boolean, unmatched boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE gaps (file bigint, profile_id bigint, email text, record int) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE matched (
    key text, sequence numeric, file_id bigint, record int, base_file bigint, base_record int, is_same boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE filled (file bigint) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stored (
    record int, kind text, channel text, order_number text, profile_id bigint, line_count int, sequence numeric, file_id bigint,
    stored_record int, same_basket boolean, same_values boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE compared (
    file bigint, record int, purchase_id text, profile_id bigint, stored_lines int, base_file bigint, base_record int,
    outcome text
) ON COMMIT DELETE ROWS;
ANALYZE loading, suppressed_emails, incoming_rejects, incoming_originals, incoming_purchases, incoming_lines, known, wishes, moves,
    newcomers, created, resolved, gaps, filled, stored, matched, compared

-- name: filled
-- The tables that hold rows, or held some in this transaction. Out: name.
SELECT relname
FROM pg_class
WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r' AND pg_relation_size(oid) > 0

-- name: exists
-- Whether this connection has a temporary table. In: name. Out: one boolean.
SELECT to_regclass('pg_temp.' || %(name)s) IS NOT NULL
