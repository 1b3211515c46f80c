-- What people ask of the store, by the commands.

-- name: account
-- What a price request for an account is answered with (rule: ERP cache 7).
-- In:  merchant, number. Out: at most one row, as in the dataclass Account.
-- A request is answered with the invoice debtor's price list: one hop, never further. An account that is invoiced to
-- itself has no debtor; an unknown debtor leaves the account its own price list until the debtor arrives. Everything
-- else (delivery, discount, cash-back) stays the account's own.
SELECT
    account.account_number,
    coalesce(debtor.price_list_name, account.price_list_name) AS price_list_name,
    account.price_list_name AS own_price_list_name,
    account.invoice_to,
    debtor.account_number AS debtor,
    CASE
        WHEN account.invoice_to = account.account_number THEN 'invoiced to itself: no other debtor'
        WHEN account.invoice_to IS NOT NULL AND debtor.account_number IS NULL
            THEN 'invoice debtor ' || account.invoice_to || ' is unknown: own price list until it arrives'
        WHEN debtor.invoice_to <> debtor.account_number
            THEN 'invoice debtor ' || debtor.account_number || ' is itself invoiced to ' || debtor.invoice_to
                || ': not followed, one step only'
    END AS note,
    account.delivery_scheme_code,
    account.discount_percentage,
    account.cumulative_sales_volume,
    account.cash_back,
    account.cash_back_calculate_to_date,
    files.name AS file,
    account.file_id,
    account.record,
    account.updated_at
FROM accounts AS account
LEFT JOIN accounts AS debtor
    ON debtor.merchant = account.merchant
    AND debtor.account_number = account.invoice_to
    AND debtor.account_number <> account.account_number
LEFT JOIN files ON files.file_id = account.file_id
WHERE account.merchant = %(merchant)s AND account.account_number = %(number)s

-- name: columns
-- The columns of tables. In: tables. Out: table, column, type; the columns of a table in their order.
SELECT pg_class.relname::text, attname::text, format_type(atttypid, atttypmod)
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'erp_feeds'::regnamespace AND relname = ANY(%(tables)s::text[]) AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum

-- name: days
-- The days of some files. In:  file_ids. Out: first, last; both null without files.
SELECT min(day), max(day) FROM files WHERE file_id = ANY (%(file_ids)s::bigint[])

-- name: drift
-- What the view file_drift says of one file, or of the latest of each interface, read from it and the three before it.
-- In:  merchant, interfaces text[], file_id (null: the latest of each interface). Out: interface, drift; only where there
--      is any.
WITH shown AS (
    SELECT latest.* FROM unnest(%(interfaces)s::text[]) AS wanted (interface)
    CROSS JOIN LATERAL (
        SELECT interface, file_id, sequence FROM files
        WHERE merchant = %(merchant)s AND files.interface = wanted.interface AND state = 'loaded'
          AND counts ? 'elements' AND (counts -> 'read')::bigint > 0
        ORDER BY sequence DESC, file_id DESC LIMIT 1
    ) AS latest
    WHERE %(file_id)s::bigint IS NULL
    UNION ALL
    SELECT interface, file_id, sequence FROM files
    WHERE file_id = %(file_id)s AND merchant = %(merchant)s AND state = 'loaded'
      AND counts ? 'elements' AND (counts -> 'read')::bigint > 0
), before AS MATERIALIZED (
    SELECT shown.file_id, (counts -> 'read')::bigint AS records, (counts -> 'elements') || (counts -> 'unknown') AS elements
    FROM shown
    CROSS JOIN LATERAL (
        SELECT counts FROM files
        WHERE files.merchant = %(merchant)s AND files.interface = shown.interface AND state = 'loaded'
          AND counts ? 'elements' AND (counts -> 'read')::bigint > 0
          AND (files.sequence, files.file_id) < (shown.sequence, shown.file_id)
        ORDER BY files.sequence DESC, files.file_id DESC LIMIT 3
    ) AS earlier
)
SELECT shown.interface, jsonb_build_object('unknown', unknown, 'new', new, 'gone', gone)
FROM shown
JOIN files USING (file_id)
CROSS JOIN LATERAL (SELECT counts -> 'unknown' AS unknown, (counts -> 'elements') || (counts -> 'unknown') AS elements) AS carried
CROSS JOIN LATERAL (SELECT ARRAY(
    SELECT name FROM jsonb_object_keys(unknown) AS name
    WHERE shown.file_id IN (SELECT file_id FROM before)
      AND NOT EXISTS (SELECT FROM before WHERE before.file_id = shown.file_id AND before.elements ? name)
    ORDER BY name
) AS new) AS newly
CROSS JOIN LATERAL (SELECT ARRAY(
    SELECT name FROM before CROSS JOIN LATERAL jsonb_each(before.elements) AS known (name, number)
    CROSS JOIN LATERAL (
        SELECT count(*) AS files, sum(records) AS records FROM before AS each WHERE each.file_id = shown.file_id
    ) AS compared
    WHERE before.file_id = shown.file_id AND NOT carried.elements ? name AND 2 * number::bigint >= before.records
      AND (counts -> 'read')::bigint >= 20 AND compared.records >= 20
    GROUP BY name, files
    HAVING count(*) = files
    ORDER BY name
) AS gone) AS lost
WHERE unknown <> jsonb_build_object() OR gone <> ARRAY[]::text[]
ORDER BY shown.interface

-- name: file_runs
-- What each run made of one file. In:  merchant, file_id. Out: one row per run, as in the dataclass FileRun.
SELECT file_runs.run_id, file_runs.at, file_runs.state, file_runs.code, file_runs.reason, file_runs.counts
FROM file_runs JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND file_id = %(file_id)s
ORDER BY at

-- name: files
-- The ledger's files of one merchant, the latest seen first.
-- In:  merchant, max_rows; each or null: states text[], interface, file_ids, day, before (a file_id: only earlier ones);
--      with_drift: it compares all files of the merchant.
-- Out: one row per file, as in the dataclass LedgerFile; a quarantined one that a later one replaced is in state replaced.
SELECT
    file_id, interface, name, shown.state, code, reason, revision, day, size, attempts, run_id,
    coalesce(counts, jsonb_build_object()) AS counts, archived, sha256, first_seen_at, finished_at,
    archive_deleted_at, replaced_by, coalesce(drift, jsonb_build_object()) AS drift
FROM files
LEFT JOIN (SELECT * FROM file_drift WHERE %(with_drift)s) AS drifting USING (merchant, interface, file_id)
LEFT JOIN replaced_files USING (file_id)
CROSS JOIN LATERAL (SELECT CASE WHEN replaced_by IS NULL THEN files.state ELSE 'replaced' END AS state) AS shown
WHERE
    merchant = %(merchant)s
    AND (%(day)s::date IS NULL OR day = %(day)s)
    AND (%(before)s::bigint IS NULL OR file_id < %(before)s)
    AND (%(states)s::text[] IS NULL OR shown.state = ANY (%(states)s::text[]))
    AND (%(interface)s::text IS NULL OR interface = %(interface)s)
    AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY(%(file_ids)s::bigint[]))
ORDER BY file_id DESC
LIMIT %(max_rows)s

-- name: holdings
-- How many rows of a merchant there are. In: merchant. Out: one row, as in the dataclass Holdings.
SELECT coalesce(sum(number) FILTER (WHERE kind = 'profile'), 0)::bigint AS profiles,
       coalesce(sum(number) FILTER (WHERE kind = 'order'), 0)::bigint AS orders,
       coalesce(sum(number) FILTER (WHERE kind = 'return'), 0)::bigint AS returns,
       coalesce(sum(lines), 0)::bigint AS lines, coalesce(sum(revenue), 0) AS revenue,
       (SELECT count(*) FROM accounts WHERE merchant = %(merchant)s) AS accounts
FROM totals WHERE merchant = %(merchant)s

-- name: identifiers
-- What leads to a profile: its external identifiers, and the addresses by which records without a number found it, each
-- with the rule that linked it and the file and record that brought it first.
-- In:  merchant, profile_id. Out: type ('srs', 'email'), value, rule, file, file_id, record.
SELECT type, value, rule, files.name AS file, file_id, record
FROM (
    SELECT type, value, rule, file_id, record
    FROM identifiers
    WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s
    UNION ALL
    SELECT *
    FROM (
        SELECT DISTINCT ON (email, rule) 'email', email, rule, file_id, record
        FROM email_matches
        WHERE profile_id = %(profile_id)s
        ORDER BY email, rule, file_id, record
    ) AS matched
) AS known
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s
ORDER BY type = 'email', type, value, file_id, record

-- name: invoice_edges
-- Every account of one merchant that has an invoice debtor (rule: ERP cache 7).
-- In:  merchant. Out: account, debtor, known (whether the debtor is an account).
SELECT account.account_number, account.invoice_to, debtor.account_number IS NOT NULL
FROM accounts AS account
LEFT JOIN accounts AS debtor
    ON debtor.merchant = account.merchant AND debtor.account_number = account.invoice_to
WHERE account.merchant = {merchant} AND account.invoice_to IS NOT NULL

-- name: lines
-- The lines of some purchases.
-- In:  merchant, purchase_ids text[]. Out: purchase_id, line_no, sku, description, quantity, amount; of each in its order.
SELECT purchase_id, line_no, sku, description, trim_scale(quantity) AS quantity, amount
FROM purchase_lines
WHERE merchant = %(merchant)s AND purchase_id = ANY(%(purchase_ids)s::text[])
ORDER BY purchase_id, line_no

-- name: mapping_versions
-- How many rows of one merchant each mapping has filled, the most recent mapping first.
-- In:  merchant. Out: table, version (null: before versions were kept), interface, first_used_at, links, rows.
SELECT counted."table", counted.version, mappings.interface, mappings.first_used_at, mappings.links, counted.rows
FROM (
    SELECT 'profiles' AS "table", mapping_version AS version, count(*) AS rows
    FROM profiles WHERE merchant = %(merchant)s GROUP BY mapping_version
    UNION ALL
    SELECT 'purchases', mapping_version, count(*)
    FROM purchases WHERE merchant = %(merchant)s GROUP BY mapping_version
) AS counted
LEFT JOIN mappings ON mappings.merchant = %(merchant)s AND mappings.version = counted.version
ORDER BY counted."table", mappings.first_used_at DESC NULLS LAST, counted.version

-- name: merchants
-- Every merchant that has sent a file: by a step in the index for each of them, since each has very many files.
-- In:  nothing. Out: merchant.
WITH RECURSIVE found (merchant) AS (
    SELECT min(merchant) FROM files
    UNION ALL
    SELECT (SELECT min(merchant) FROM files WHERE merchant > found.merchant) FROM found WHERE found.merchant IS NOT NULL
)
SELECT merchant FROM found WHERE merchant IS NOT NULL ORDER BY merchant

-- name: open_files
-- How many files are complete and not loaded yet, and how many are quarantined and not replaced. What was imported waits
-- for a person and not for a run.
-- In: merchants text[]. Out: merchant, interface, waiting, quarantined.
SELECT merchant, interface,
       count(*) FILTER (WHERE state IN ('registered', 'waiting') OR state = 'archived' AND path <> ''),
       count(*) FILTER (WHERE state = 'quarantined' AND file_id NOT IN (SELECT file_id FROM replaced_files))
FROM files
WHERE merchant = ANY (%(merchants)s::text[]) AND state IN ('registered', 'waiting', 'archived', 'quarantined')
GROUP BY merchant, interface

-- name: overview
-- The latest file of each merchant, the run that brought it where it is, and what came on each of the last days (UTC).
-- In:  merchants text[], days. Out: one row per merchant, as in the dataclass MerchantFiles; days as JSON.
SELECT named.merchant, latest.name AS last_file, latest.first_seen_at AS last_file_at, latest.state AS last_file_state,
       latest.run_id AS last_run, strip.days
FROM unnest(%(merchants)s::text[]) WITH ORDINALITY AS named (merchant, place)
LEFT JOIN LATERAL (
    SELECT name, first_seen_at, state, run_id FROM files
    WHERE merchant = named.merchant AND state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
    ORDER BY file_id DESC LIMIT 1
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'day', each.day, 'files', coalesce(files, 0), 'quarantined', coalesce(quarantined, 0),
               'rejected', coalesce(rejected, 0)) ORDER BY each.day) AS days
    FROM generate_series(
        (now() AT TIME ZONE 'UTC')::date - %(days)s::int + 1, (now() AT TIME ZONE 'UTC')::date, interval '1 day'
    ) AS begin
    CROSS JOIN LATERAL (SELECT begin::date AS day) AS each
    LEFT JOIN (
        SELECT (first_seen_at AT TIME ZONE 'UTC')::date AS day, count(*) AS files,
               count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
               count(*) FILTER (WHERE state = 'loaded' AND counts -> 'rejected' <> jsonb_build_object()) AS rejected
        FROM files
        WHERE merchant = named.merchant AND first_seen_at >= now() - (%(days)s::int + 1) * interval '1 day'
          AND state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
        GROUP BY 1
    ) AS counted ON counted.day = each.day
) AS strip
ORDER BY place

-- name: people
-- Profiles by a phone number, or by the beginning of a last or whole name, whatever the case.
-- In:  merchant, max_rows; one of phones (its spellings), name (a pattern of LIKE), the other null. Out: as of profile.
SELECT
    profile_id, email, firstname, lastname, gender, birthdate, phone, postcode, city, country, language, currency,
    newsletter, service, marketing, custom, mapping_version, files.name AS file, record, profiles.created_at,
    profiles.updated_at
FROM profiles
LEFT JOIN files USING (file_id)
WHERE profiles.merchant = %(merchant)s
  AND (
      phone = ANY(%(phones)s)
      OR lower(lastname) LIKE lower(%(name)s)
      OR lower(firstname || ' ' || lastname) LIKE lower(%(name)s)
  )
ORDER BY lastname, firstname, profile_id
LIMIT %(max_rows)s

-- name: profile
-- One profile, found by its id, its SRS customer number or its e-mail address (rule: customers 1 and 4).
-- In:  merchant and one of profile_id, srs, email; the others null.
-- Out: the profile's fields and the file and record that last wrote it; no row where nothing matches.
SELECT
    profile_id, email, firstname, lastname, gender, birthdate, phone, postcode, city, country, language, currency,
    newsletter, service, marketing, custom, mapping_version, files.name AS file, record, profiles.created_at,
    profiles.updated_at
FROM profiles
LEFT JOIN files USING (file_id)
WHERE
    profiles.merchant = %(merchant)s
    AND profile_id = coalesce(
        %(profile_id)s::bigint,
        (SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = %(srs)s),
        (SELECT profile_id FROM profiles WHERE merchant = %(merchant)s AND email = lower(trim(%(email)s) COLLATE "C") COLLATE "default")
    )

-- name: profile_fields
-- What is known of each field of a profile: its value, and the file and record that set it (rules: customers 6, 9, 10).
-- In:  merchant, profile_id.
-- Out: field, value (text; null where a file emptied it), file, file_id, record, set_at; profile fields first, then custom ones by name.
-- A field without an origin of its own came with the row's latest write (see sql/load.sql). Of several
-- records about one person in one file, the last is named.
WITH person AS (
    SELECT * FROM profiles WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s
), fields AS (
    SELECT name AS field, place,
        CASE to_jsonb(person) -> name WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE to_jsonb(person) ->> name END AS value
    FROM person, unnest(%(fields)s::text[]) WITH ORDINALITY AS declared (name, place)
    UNION ALL
    SELECT each.name, NULL, custom ->> each.name
    FROM person, LATERAL (
        SELECT jsonb_object_keys(custom) AS name
        UNION SELECT key FROM jsonb_object_keys(field_versions) AS key WHERE key <> ALL (%(fields)s::text[])
    ) AS each
)
SELECT
    field, value, files.name AS file, files.file_id, files.finished_at AS set_at,
    CASE WHEN field_versions ? field THEN (field_versions -> field ->> 2)::int ELSE person.record END AS record
FROM fields
CROSS JOIN person
LEFT JOIN files
    ON files.file_id = CASE WHEN field_versions ? field THEN (field_versions -> field ->> 1)::bigint ELSE person.file_id END
WHERE value IS NOT NULL OR field_versions ? field
ORDER BY place, field

-- name: progress
-- How far each file is, for a table that is drawn again and again.
-- In:  nothing.
-- Out: merchant, file, interface, state, code, read, rejected, seconds (from its first scan to the end, or until now).
SELECT
    merchant, name AS file, interface, state, code,
    coalesce((counts ->> 'read')::bigint, 0) AS read,
    (SELECT coalesce(sum(each.value::bigint), 0)::bigint FROM jsonb_each_text(counts -> 'rejected') AS each) AS rejected,
    extract(EPOCH FROM coalesce(finished_at, clock_timestamp()) - first_seen_at)::float8 AS seconds
FROM files
ORDER BY first_seen_at, file_id

-- name: purchases
-- Orders and returns of one merchant, the latest first.
-- In:  merchant; each or null: kind ('order', 'return'), profile_id, srs (customer number), purchase_id; max_rows.
-- Out: one row per purchase, as in the dataclass Purchase. A return that bears an order number is linked to that order
--      whenever it is there, whichever of the two arrived first (rule: purchases 8).
SELECT
    purchase_id, kind, channel, profile_id, order_number,
    (
        SELECT original.purchase_id FROM purchases AS original
        WHERE original.merchant = purchases.merchant AND original.purchase_id = purchases.order_number
            AND original.kind = 'order' AND purchases.kind = 'return' AND original.channel = 'online'
    ) AS return_of,
    receipt_number, branch, local_time, occurred_at, currency, total, line_count, custom, mapping_version,
    files.name AS file, file_id, record
FROM purchases
LEFT JOIN files USING (file_id)
WHERE
    purchases.merchant = %(merchant)s
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(purchase_id)s::text IS NULL OR purchase_id = %(purchase_id)s)
    AND (%(profile_id)s::bigint IS NULL OR profile_id = %(profile_id)s)
    AND (
        %(srs)s::text IS NULL
        OR profile_id = (
            SELECT identifiers.profile_id FROM identifiers
            WHERE identifiers.merchant = %(merchant)s AND type = 'srs' AND value = %(srs)s
        )
    )
ORDER BY occurred_at DESC, purchase_id
LIMIT %(max_rows)s

-- name: quarantined
-- Quarantined files of one merchant, the latest first.
-- In:  merchant; each or null: interface, code, file (name); with_replaced boolean; max_rows.
-- Out: one row per file, as in the dataclass QuarantinedFile.
SELECT
    name AS file, file_id, interface, code, reason, archived, coalesce(finished_at, first_seen_at) AS at, replaced_by
FROM files
LEFT JOIN replaced_files USING (file_id)
WHERE
    merchant = %(merchant)s
    AND state = 'quarantined'
    AND (%(with_replaced)s OR replaced_by IS NULL)
    AND (%(interface)s::text IS NULL OR interface = %(interface)s)
    AND (%(code)s::text IS NULL OR code = %(code)s)
    AND (%(file)s::text IS NULL OR name = %(file)s)
ORDER BY coalesce(finished_at, first_seen_at) DESC, file_id DESC
LIMIT %(max_rows)s

-- name: record_rows
-- Where the store keeps what a record brought: the rows of its keys, whoever wrote them last.
-- In:  merchant, file_id, record; each or null: number, email, purchase_id, account_number, as the steps made them.
-- Out: one row, as in the dataclass RecordRows; null where there is no such row.
-- A receipt may have got a suffix beside another basket of an earlier file (rule: purchases 7): its own row comes first.
WITH bought AS (
    SELECT purchase_id, profile_id FROM purchases
    WHERE merchant = %(merchant)s AND purchase_id IN (
        SELECT %(purchase_id)s::text
        UNION ALL SELECT %(purchase_id)s::text || '~' || later FROM generate_series(2, 99) AS later
    )
    ORDER BY (file_id, record) = (%(file_id)s::bigint, %(record)s::int) DESC, purchase_id
    LIMIT 1
)
SELECT
    (SELECT purchase_id FROM bought) AS purchase_id,
    coalesce(
        (SELECT profile_id FROM bought),
        (SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = %(number)s),
        (SELECT profile_id FROM email_matches WHERE file_id = %(file_id)s AND record = %(record)s),
        (
            SELECT profile_id FROM profiles
            WHERE merchant = %(merchant)s AND email = %(email)s AND %(number)s::text IS NULL
        )
    ) AS profile_id,
    (SELECT account_number FROM accounts WHERE merchant = %(merchant)s AND account_number = %(account_number)s) AS account_number

-- name: run_files
-- What some runs made of their files.
-- In:  merchant, run_ids. Out: one row per run and file, as in the dataclass RunFile.
SELECT
    file_runs.run_id, files.name AS file, files.file_id, file_runs.state, file_runs.code, file_runs.reason, file_runs.counts,
    (
        SELECT count(*) FROM rejects
        WHERE rejects.resolved_by_run = file_runs.run_id AND rejects.resolved_by_file = file_runs.file_id
    ) AS resolved,
    (
        SELECT count(DISTINCT record) FROM rejects
        WHERE rejects.file_id = file_runs.file_id AND dismissed_at IS NOT NULL
    ) AS dismissed
FROM file_runs
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND file_runs.run_id = ANY (%(run_ids)s::text[])
ORDER BY file_runs.run_id, files.interface, files.sequence, files.file_id

-- name: status
-- What the store holds per merchant, in one row each.
-- In:  merchants text[] (reported even without rows), merchant text or null (null: all).
-- Out: merchant, profiles, orders, returns, lines, revenue, accounts, and per code or state: files, skipped, warnings,
--      quarantined (jsonb objects; of files, those that a later one replaced are no quarantined ones); drift: per interface,
--      that of its latest file; shared_profiles: the profiles of five customer numbers or more, at most ten, the fullest of
--      them. Open rejects: see open_rejects.
-- Skipped records and warnings come from the tallies of loaded files.
WITH wanted_files AS (
    SELECT
        file_id, merchant, code, counts,
        CASE WHEN replaced_by IS NULL THEN state ELSE 'replaced' END AS state
    FROM files LEFT JOIN replaced_files USING (file_id)
    WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
), row_counts AS (
    SELECT merchant, (sum(number) FILTER (WHERE kind = 'profile'))::bigint AS profiles,
           (sum(number) FILTER (WHERE kind = 'order'))::bigint AS orders,
           (sum(number) FILTER (WHERE kind = 'return'))::bigint AS returns,
           sum(lines)::bigint AS lines, sum(revenue) AS revenue
    FROM totals WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), account_counts AS (
    SELECT merchant, count(*) AS accounts
    FROM accounts WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), tallies AS (
    SELECT merchant, 'files' AS tally, state AS code, count(*) AS n FROM wanted_files GROUP BY merchant, state
    UNION ALL
    SELECT merchant, 'quarantined', code, count(*) FROM wanted_files WHERE state = 'quarantined' GROUP BY merchant, code
    UNION ALL
    SELECT merchant, tally, each.key, sum(each.value::bigint)
    FROM wanted_files
    CROSS JOIN (VALUES ('skipped'), ('warnings')) AS tallied (tally)
    CROSS JOIN LATERAL jsonb_each_text(counts -> tally) AS each
    WHERE state = 'loaded' GROUP BY merchant, tally, each.key
), drifts AS (
    SELECT merchant, jsonb_object_agg(interface, drift) AS drift
    FROM file_drift WHERE latest AND (%(merchant)s::text IS NULL OR merchant = %(merchant)s) GROUP BY merchant
), fullest_profiles AS (
    SELECT merchant, jsonb_object_agg(profile_id, numbers) AS shared_profiles
    FROM (
        SELECT merchant, profile_id, count(*) AS numbers,
               row_number() OVER (PARTITION BY merchant ORDER BY count(*) DESC, profile_id) AS place
        FROM identifiers
        WHERE type = 'srs' AND (%(merchant)s::text IS NULL OR merchant = %(merchant)s) AND profile_id IN (
            SELECT profile_id  -- the first number of a profile made it, the others joined: by index identifiers_joined
            FROM identifiers WHERE rule IS DISTINCT FROM 'customers 3' AND rule IS DISTINCT FROM 'purchases 3'
            GROUP BY profile_id HAVING count(*) >= 4
        )
        GROUP BY merchant, profile_id HAVING count(*) >= 5
    ) AS shared
    WHERE place <= 10 GROUP BY merchant
), objects AS (
    SELECT
        merchant,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'files') AS files,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'quarantined') AS quarantined,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'skipped' AND n > 0) AS skipped,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'warnings' AND n > 0) AS warnings
    FROM tallies GROUP BY merchant
), named AS (
    SELECT unnest(%(merchants)s::text[]) AS merchant
    UNION SELECT merchant FROM objects
    UNION SELECT merchant FROM row_counts
    UNION SELECT merchant FROM account_counts
)
SELECT
    merchant,
    coalesce(profiles, 0) AS profiles,
    coalesce(orders, 0) AS orders,
    coalesce(returns, 0) AS returns,
    coalesce(lines, 0) AS lines,
    coalesce(revenue, 0) AS revenue,
    coalesce(accounts, 0) AS accounts,
    coalesce(files, jsonb_build_object()) AS files,
    coalesce(skipped, jsonb_build_object()) AS skipped,
    coalesce(quarantined, jsonb_build_object()) AS quarantined,
    coalesce(warnings, jsonb_build_object()) AS warnings,
    coalesce(drift, jsonb_build_object()) AS drift,
    coalesce(shared_profiles, jsonb_build_object()) AS shared_profiles
FROM named
LEFT JOIN row_counts USING (merchant)
LEFT JOIN account_counts USING (merchant)
LEFT JOIN objects USING (merchant)
LEFT JOIN drifts USING (merchant)
LEFT JOIN fullest_profiles USING (merchant)
WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
ORDER BY merchant
