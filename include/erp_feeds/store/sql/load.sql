-- The load of a group of files, in one transaction under the lock of their merchant. The table loading holds the files;
-- a statement that takes file_id works on one file only.

-- name: added
-- Add versioned rows for the records that have no row yet. In: merchant; source, as in versioned; matched. Out: the target.
INSERT INTO {target} (merchant, {key}, {columns}, sequence, file_id, record, field_versions, created_at)
SELECT {merchant}, new.{new_key}, {new_values}, {sequence}, {file_id}, new.record, {first_origins}, new.moment
FROM ({source}) AS new
WHERE NOT EXISTS (SELECT FROM matched WHERE matched.file_id = new.file_id AND matched.record = new.record)

-- name: class_changed
-- Reject offline purchases whose class flips against the stored one (rule: purchases 6), before they do anything else.
-- A file may flip the class of its own rows, for example when it is loaded again with other excluded skus.
-- In: incoming_purchases, stored; loading; code. Out: they move from incoming_purchases to incoming_rejects; file; their
-- number.
WITH rejected AS (
    DELETE FROM incoming_purchases AS new
    USING stored AS old
    WHERE old.record = new.record AND new.channel = 'offline' AND old.kind <> new.kind AND old.file_id <> new.file
    RETURNING new.file, new.record, new.purchase_id, new.kind, old.kind AS stored
), kept AS (
    INSERT INTO incoming_rejects (file, record, code, reason, key)
    SELECT file, record - before, {code}, 'this receipt is stored as ' || stored || ' and cannot become ' || kind,
           regexp_replace(purchase_id, '~[0-9]+$', '')
    FROM rejected
    JOIN loading ON file_id = file
)
SELECT file, count(*) FROM rejected GROUP BY file

-- name: custom_keys
-- The custom fields that this load may change: those of its records, and those of the profiles that they fill (an emptied
-- field is found only in field_versions). Usually these are just the fields that the mapping links, and no other key is found.
-- In: incoming_profiles, resolved; linked: text[]. Out: key.
SELECT unnest({linked}::text[]) AS key
UNION
SELECT jsonb_object_keys(custom - {linked}::text[])
FROM incoming_profiles
WHERE custom - {linked}::text[] <> '{{}}'
UNION
SELECT key
FROM resolved
JOIN profiles USING (profile_id)
CROSS JOIN LATERAL jsonb_object_keys((custom || field_versions) - {linked}::text[]) AS key
WHERE (custom - {linked}::text[] <> '{{}}' OR field_versions <> '{{}}') AND key LIKE 'custom\_%'
UNION
SELECT name
FROM incoming_profiles
CROSS JOIN LATERAL unnest(string_to_array(btrim(cleared, ','), ',')) AS name
WHERE cleared IS NOT NULL AND name LIKE 'custom\_%'
ORDER BY key

-- name: id_taken
-- Reject purchases that would share an id with another purchase: the numbers of an online order, a return and a receipt may
-- make the same id (rule: purchases 11). The purchase that came first keeps the id, whether in this file or an earlier one.
-- Rows that an earlier load of this same file wrote do not count, since this load replaces them.
-- In: incoming_purchases, stored; loading; code. Out: they move from there to incoming_rejects; file; their number.
WITH first AS MATERIALIZED (
    SELECT purchase_id, min(record) AS record FROM incoming_purchases GROUP BY purchase_id HAVING count(*) > 1
), holders AS (
    SELECT new.record, old.channel, old.order_number
    FROM incoming_purchases AS new
    JOIN stored AS old ON old.record = new.record AND (old.file_id <> new.file OR old.profile_id IS NULL)
    UNION ALL
    SELECT new.record, holder.channel, holder.order_number
    FROM first
    JOIN incoming_purchases AS holder USING (record)
    JOIN incoming_purchases AS new ON new.purchase_id = first.purchase_id
    WHERE NOT EXISTS (
        SELECT FROM stored AS old WHERE old.record = new.record AND (old.file_id <> new.file OR old.profile_id IS NULL)
    )
), rejected AS (
    DELETE FROM incoming_purchases AS new
    USING holders
    WHERE holders.record = new.record
      AND (new.channel, new.order_number) IS DISTINCT FROM (holders.channel, holders.order_number)
    RETURNING new.file, new.record, new.key
), kept AS (
    INSERT INTO incoming_rejects (file, record, code, reason, key)
    SELECT file, record - before, {code}, 'another purchase has the id that this one would have', key
    FROM rejected
    JOIN loading ON file_id = file
)
SELECT file, count(*) FROM rejected GROUP BY file

-- name: incoming_rows
-- The records of one file, for rows that are written field by field. NULL: not delivered; cleared names the fields that
-- are emptied, as ',a,b,'; key and number as in the frames of the steps.
-- In: incoming: the name of the temporary table; columns: those that table has too, with its types.
CREATE TEMP TABLE {incoming} ON COMMIT DELETE ROWS AS
SELECT 0 AS record, NULL::bigint AS file, NULL::text AS key, NULL::text AS number, {columns}, NULL::text AS cleared
FROM {table}
LIMIT 0;
ANALYZE {incoming}

-- name: index_gap
-- How many index numbers are missing right before a file (rule: ERP cache 6, gaps; for interfaces that count up).
-- A replay only looks at files that had arrived by the first load, so that it counts the same.
-- In: file_ids. Out: file_id; number; not the first file of an interface, nor one that itself fills a gap.
SELECT file_id, number
FROM (
    SELECT files.file_id, least(files.index_number - max(earlier.index_number) - 1, 2147483647)::int AS number
    FROM files
    JOIN files AS earlier
      ON earlier.merchant = files.merchant AND earlier.interface = files.interface
     AND earlier.index_number < files.index_number AND earlier.archived_at IS NOT NULL
     AND (files.state <> 'loaded' OR earlier.archived_at < files.finished_at)
    WHERE files.file_id = ANY({file_ids})
    GROUP BY files.file_id, files.index_number
) AS gaps
WHERE number > 0

-- name: known_baskets
-- Give ids to baskets that share one receipt with others, stored or in this file (rule: purchases 7):
-- 1. A basket that is stored already keeps its id, whichever file brings it and in whatever order.
-- 2. Any other basket takes the id of a stored basket of its own class, in file order; first the one that files have not
--    brought for the longest time. So the same baskets are stored in the end, whatever the order of the files.
-- 3. Where no such id is left, it gets a free one.
-- So no basket overwrites one that still counts, none is stored twice, and no id changes its class, which would be a reject
-- (rule: purchases 6). Such receipts are rare. They are looked up by the primary key first, so that the cost does not grow with
-- the table; OFFSET 0 keeps a planner without statistics from comparing every receipt with every purchase.
-- In: incoming_purchases; merchant. Out: their purchase_id; shares_receipt.
WITH RECURSIVE sharing AS MATERIALIZED (
    SELECT record, purchase_id, kind, content_hash, regexp_replace(purchase_id, '~[0-9]+$', '') AS base
    FROM incoming_purchases
    WHERE channel = 'offline' OR kind = 'return'
), shared AS MATERIALIZED (
    SELECT sharing.base
    FROM sharing
    CROSS JOIN LATERAL (VALUES (sharing.base || '~2'), (sharing.base || '~3')) AS other (purchase_id)
    CROSS JOIN LATERAL (
        SELECT content_hash FROM purchases WHERE merchant = {merchant} AND purchase_id = other.purchase_id OFFSET 0
    ) AS second
    UNION
    SELECT base FROM sharing WHERE purchase_id <> base
), numbered AS (
    SELECT base, 0 AS place, NULL::text AS kind, NULL::text AS content_hash, NULL::numeric AS sequence, NULL::bigint AS file_id
    FROM shared
    UNION ALL
    SELECT numbered.base, following.*
    FROM numbered
    CROSS JOIN LATERAL (  -- over places that a reload has emptied
        SELECT place, standing.*
        FROM generate_series(numbered.place + 1, numbered.place + 8) AS place
        CROSS JOIN LATERAL (
            SELECT kind, content_hash, sequence, file_id FROM purchases
            WHERE merchant = {merchant}
              AND purchase_id = numbered.base || CASE WHEN place > 1 THEN '~' || place ELSE '' END
            OFFSET 0
        ) AS standing
        ORDER BY place
        LIMIT 1
    ) AS following
), standing AS (
    SELECT base, place, kind, content_hash, sequence, file_id FROM numbered WHERE place > 0
), incoming AS MATERIALIZED (
    SELECT record, base, kind, content_hash FROM sharing JOIN shared USING (base)
), known AS MATERIALIZED (
    SELECT DISTINCT ON (record) record, base, place
    FROM incoming
    JOIN standing USING (base, content_hash)
    ORDER BY record, place
), others AS MATERIALIZED (
    SELECT record, base, kind, row_number() OVER (PARTITION BY base, kind ORDER BY record) AS turn
    FROM incoming
    WHERE record NOT IN (SELECT record FROM known)
), remaining AS (
    SELECT base, place, kind, row_number() OVER (PARTITION BY base, kind ORDER BY sequence, file_id, place) AS turn
    FROM standing
    WHERE (base, place) NOT IN (SELECT base, place FROM known)
), replacing AS MATERIALIZED (
    SELECT record, base, place FROM others JOIN remaining USING (base, kind, turn)
), added AS (
    SELECT record, base, row_number() OVER (PARTITION BY base ORDER BY record) AS turn
    FROM others
    WHERE record NOT IN (SELECT record FROM replacing)
), free AS (
    SELECT base, place, row_number() OVER (PARTITION BY base ORDER BY place) AS turn
    FROM (
        SELECT base, generate_series(1, count(*))::int AS place
        FROM (SELECT base FROM incoming UNION ALL SELECT base FROM standing) AS receipts
        GROUP BY base
        EXCEPT
        SELECT base, place FROM standing
    ) AS places
), placed AS (
    SELECT record, base, place FROM known
    UNION ALL
    SELECT record, base, place FROM replacing
    UNION ALL
    SELECT record, base, place FROM added JOIN free USING (base, turn)
)
UPDATE incoming_purchases AS new
SET shares_receipt = true, purchase_id = placed.base || CASE WHEN placed.place > 1 THEN '~' || placed.place ELSE '' END
FROM placed
WHERE new.record = placed.record

-- name: known_addresses
-- Baskets that first came with an address only, and now come with a number: they are the same purchase (rule: purchases 7).
-- The record gets the present address of the stored buyer, so that a new number joins that buyer's profile.
-- In: incoming_purchases, stored. Out: their email.
UPDATE incoming_purchases AS new
SET email = buyer.email
FROM stored AS old
JOIN email_matches AS matched ON matched.file_id = old.file_id AND matched.record = old.stored_record
JOIN profiles AS buyer ON buyer.profile_id = old.profile_id
WHERE old.record = new.record AND old.same_basket AND new.number IS NOT NULL AND new.email IS NULL

-- name: known_buyers
-- Baskets that come without a number, but were stored with one: the buyer is no part of a basket, so the record gets the
-- number of the stored basket (rule: purchases 7). A basket that came with an address only has an email_match.
-- In: incoming_purchases, stored. Out: their number.
UPDATE incoming_purchases AS new
SET number = numbered.value
FROM stored AS old
CROSS JOIN LATERAL (
    SELECT min(value) AS value FROM identifiers WHERE profile_id = old.profile_id AND type = 'srs'
) AS numbered
WHERE old.record = new.record AND old.same_basket AND new.number IS NULL AND numbered.value IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM email_matches AS matched WHERE matched.file_id = old.file_id AND matched.record = old.stored_record
  )

-- name: merged_by_key
-- One write per row: the records of the file that belong to it, merged in file order, field by field.
-- Rules: customers 6 (the last record wins field by field) and 10 (missing keeps), ERP cache 5.
-- In:  records: a query with the key, record, the fields, cleared; keys: the table that says which record has which key;
--      key: its name; the lists of fields and what becomes of them, made by merge.py.
-- Out: key, record (the last), the fields, cleared.
WITH several AS MATERIALIZED (
    SELECT {key} FROM {keys} GROUP BY {key} HAVING count(*) > 1
), records AS NOT MATERIALIZED (
    {records}
)
SELECT {key}, record, {columns}, cleared
FROM records
WHERE {key} NOT IN (SELECT {key} FROM several)
UNION ALL
SELECT {key}, max(record), {last_values}, nullif(',' || concat_ws(',', {emptied}) || ',', ',,')
FROM records AS new
WHERE {key} IN (SELECT {key} FROM several)
GROUP BY {key}

-- name: late_file
-- Late files: a newer file of their interface was loaded before them (rule: ERP cache 6, late files).
-- A replay compares with the time of the first load, so that it counts the same.
-- In: file_ids. Out: file_id.
SELECT file_id
FROM files
WHERE file_id = ANY({file_ids}) AND EXISTS (
    SELECT FROM files AS newer
    WHERE newer.merchant = files.merchant AND newer.interface = files.interface AND newer.state = 'loaded'
      AND newer.sequence > files.sequence
      AND (files.state <> 'loaded' OR newer.finished_at < files.finished_at)
)

-- name: mapping
-- Remember what a version of a mapping means, the first time that it fills a row.
-- In: merchant, interface, version, links (JSON). Out: mappings.
INSERT INTO mappings (merchant, interface, version, links)
VALUES ({merchant}, {interface}, {version}, {links}::jsonb)
ON CONFLICT DO NOTHING

-- name: newer_purchases
-- The rejected records of these files that a newer file has brought: by receipt, or by order number and moment.
-- Each kind of key is looked up by its own index, as in rejects.sql, resolve: one join with OR would compare every key with
-- every purchase. In: merchant; loading. Out: rejected_file, record, file_id.
SELECT rejected.file_id AS rejected_file, rejected.record, brought.file_id
FROM loading
JOIN rejected_records AS rejected USING (file_id)
CROSS JOIN LATERAL (
    (
        SELECT sequence, file_id
        FROM purchases
        WHERE merchant = {merchant} AND purchase_id = rejected.key AND channel = 'offline'
        OFFSET 0
    )
    UNION ALL
    (
        SELECT sequence, file_id
        FROM purchases
        WHERE merchant = {merchant} AND order_number = regexp_replace(rejected.key, '@[^@]*$', '')
          AND order_number || '@' || local_time = rejected.key AND channel = 'online'
        OFFSET 0
    )
) AS brought
WHERE (brought.sequence, brought.file_id) > (loading.sequence, loading.file_id)

-- name: profile_email_gaps
-- Fill the address of each profile whose first wish is also the first wish for that address, then drop all wishes that this
-- decides. Repeated until no wish is left, the result is as if the records came one after the other. Rule: purchases 12.
-- In: gaps; loading. Out: profiles; filled; gaps without what is decided; the number of filled profiles.
WITH first AS (
    SELECT file, profile_id, email, record
    FROM (
        SELECT *, min(record) OVER (PARTITION BY profile_id) AS of_profile, min(record) OVER (PARTITION BY email) AS of_email
        FROM gaps
    ) AS ranked
    WHERE record = of_profile AND record = of_email
), decided AS (
    DELETE FROM gaps
    USING first
    WHERE gaps.profile_id = first.profile_id OR gaps.email = first.email
), written AS (
    UPDATE profiles AS old
    SET email = first.email,
        field_versions = old.field_versions
                  || jsonb_build_object('email', jsonb_build_array(0, first.file, first.record - before)),
        updated_at = now()
    FROM first
    JOIN loading ON loading.file_id = first.file
    WHERE old.profile_id = first.profile_id
    RETURNING first.file
)
INSERT INTO filled SELECT file FROM written

-- name: profile_gaps
-- Addresses that purchases know and existing profiles lack, unless another profile holds the address. Rule: purchases 12.
-- In: resolved; merchant. Out: gaps: wishes for an address.
INSERT INTO gaps (file, profile_id, email, record)
SELECT resolved.file, resolved.profile_id, resolved.email, min(resolved.record) AS record
FROM resolved
JOIN profiles USING (profile_id)
LEFT JOIN profiles AS holder ON holder.merchant = {merchant} AND holder.email = resolved.email
WHERE resolved.email IS NOT NULL AND profiles.email IS NULL AND holder.profile_id IS NULL
GROUP BY resolved.file, resolved.profile_id, resolved.email

-- name: profile_number_gaps
-- Fill the number of existing profiles that have none. Rule: purchases 12. The first record of a profile decides.
-- A value from a purchase has sequence 0, like the profiles that purchases make, so that any customers file may replace it.
-- In: resolved; loading. Out: profiles; filled.
WITH written AS (
    UPDATE profiles AS old
    SET custom = old.custom || jsonb_build_object('custom_srs_customer_number', new.number),
        field_versions = old.field_versions
                  || jsonb_build_object('custom_srs_customer_number', jsonb_build_array(0, new.file, new.record - before)),
        updated_at = now()
    FROM (
        SELECT DISTINCT ON (profile_id) file, profile_id, number, record
        FROM resolved
        WHERE number IS NOT NULL
        ORDER BY profile_id, record
    ) AS new
    JOIN loading ON loading.file_id = new.file
    WHERE old.profile_id = new.profile_id AND NOT old.custom ? 'custom_srs_customer_number'
    RETURNING new.file
)
INSERT INTO filled SELECT file FROM written

-- name: profile_records
-- The records with the profile of each; a record brings an address only where its profile has it from now on.
-- In: incoming_profiles, resolved; fields: the columns that a profile and a record have alike. Out: one row per record.
SELECT resolved.profile_id, record - before AS record, resolved.address AS email, {fields},
       coalesce(custom, '{{}}') AS custom, cleared, mapping_version, loading.sequence, loading.file_id, loading.moment
FROM incoming_profiles
JOIN resolved USING (record)
JOIN loading ON loading.file_id = incoming_profiles.file

-- name: purchase_profiles
-- Make profiles for people whom only purchases know: number and e-mail, with sequence 0, so that any customers file may
-- replace them. profile_gaps fills existing profiles. Rules: purchases 3, customers 12 (the custom field).
-- In: created, resolved, incoming_purchases; loading; merchant. Out: profiles.
INSERT INTO profiles (profile_id, merchant, email, custom, sequence, file_id, record, mapping_version)
SELECT created.profile_id, {merchant}, created.email,
       jsonb_strip_nulls(jsonb_build_object('custom_srs_customer_number', numbered.number)),
       0, file_id, record - before, incoming_purchases.mapping_version
FROM created
JOIN incoming_purchases USING (record)
JOIN loading ON file_id = file
LEFT JOIN (
    SELECT DISTINCT ON (profile_id) profile_id, number
    FROM resolved
    WHERE unknown
    ORDER BY profile_id, record
) AS numbered USING (profile_id)
ORDER BY created.profile_id

-- name: purchase_mapping
-- After a replay under another mapping, note that mapping on the profiles that the file made.
-- In: known, incoming_purchases; loading. Out: profiles.
UPDATE profiles AS old
SET mapping_version = new.mapping_version
FROM known
JOIN incoming_purchases AS new USING (record)
JOIN loading ON loading.file_id = new.file
WHERE known.own AND old.profile_id = known.profile_id AND old.sequence = 0 AND old.record = new.record - before
  AND old.mapping_version IS DISTINCT FROM new.mapping_version

-- name: compared
-- Decide what becomes of each purchase; files are compared by (sequence, file_id).
-- new: is added, also from an older file. changed: is written, but not from an older file; the same content under another
-- mapping counts as changed, so a replay after a change of the mapping rewrites it. The same content from a newer file is only
-- confirmed (confirmations.sql). moved: the same, but the row must name its latest file at once, because the next load reads it:
-- where several baskets share a receipt (known_baskets), or one record had only an address and the other a number (known_buyers).
-- In: incoming_purchases, stored, resolved; loading. Out: compared; stored_lines, base_file, base_record: of the stored one.
INSERT INTO compared (file, record, purchase_id, profile_id, stored_lines, base_file, base_record, outcome)
SELECT new.file, new.record, new.purchase_id, resolved.profile_id, old.line_count, old.file_id, old.stored_record,
       CASE WHEN old.record IS NULL THEN 'new'
            WHEN (loading.sequence, loading.file_id) < (old.sequence, old.file_id) THEN 'older'
            WHEN NOT old.same_values OR old.profile_id IS DISTINCT FROM resolved.profile_id THEN 'changed'
            WHEN loading.file_id <> old.file_id AND new.shares_receipt IS NULL
                 AND (SELECT email FROM email_matches WHERE file_id = old.file_id AND record = old.stored_record)
                     IS NOT DISTINCT FROM CASE WHEN new.number IS NULL THEN new.email END THEN 'confirmed'
            ELSE 'moved' END
FROM incoming_purchases AS new
JOIN loading ON loading.file_id = new.file
JOIN resolved USING (record)
LEFT JOIN stored AS old USING (record)

-- name: unchanged_purchases
-- In: compared; loading. Out: matched.
INSERT INTO matched (key, sequence, file_id, record, base_file, base_record, is_same)
SELECT purchase_id, sequence, file_id, record - before, base_file, base_record, true
FROM compared
JOIN loading ON file_id = file
WHERE outcome = 'confirmed'

-- name: new_purchases
-- Add the orders and returns that are new, in the order of their ids: in another order each would cost more to add to the
-- primary keys, of lines too, and a file may bring its records in any order.
-- In: incoming_purchases, compared; loading; merchant. Out: purchases.
INSERT INTO purchases (
    merchant, purchase_id, kind, channel, profile_id, order_number, receipt_number, branch, local_time, occurred_at,
    currency, total, line_count, content_hash, custom, mapping_version, sequence, file_id, record
)
SELECT {merchant}, new.purchase_id, new.kind, new.channel, compared.profile_id, new.order_number, new.receipt_number,
       new.branch, new.local_time, new.occurred_at, new.currency, new.total, new.line_count, new.content_hash,
       coalesce(new.custom, '{{}}'), new.mapping_version, loading.sequence, loading.file_id, new.record - before
FROM compared
JOIN incoming_purchases AS new USING (record)
JOIN loading ON loading.file_id = new.file
WHERE compared.outcome = 'new'
ORDER BY new.purchase_id

-- name: changed_purchases
-- Write the orders and returns that change: the newest file that brings one decides. Rules: purchases 4 and 6.
-- In: incoming_purchases, compared; loading; merchant. Out: purchases.
UPDATE purchases AS old SET
    kind = new.kind, channel = new.channel, profile_id = compared.profile_id, order_number = new.order_number,
    receipt_number = new.receipt_number, branch = new.branch, local_time = new.local_time,
    occurred_at = new.occurred_at, currency = new.currency, total = new.total, line_count = new.line_count,
    content_hash = new.content_hash, custom = coalesce(new.custom, '{{}}'), mapping_version = new.mapping_version,
    sequence = loading.sequence, file_id = loading.file_id, record = new.record - before,
    updated_at = now()
FROM compared
JOIN incoming_purchases AS new USING (record)
JOIN loading ON loading.file_id = new.file
WHERE compared.outcome = 'changed' AND old.merchant = {merchant} AND old.purchase_id = compared.purchase_id

-- name: moved_purchases
-- Let rows name the file and record that brought them last, so that an older file that arrives late does not overwrite
-- them; updated_at and lines stay. In: compared; loading; merchant. Out: purchases.
UPDATE purchases AS old
SET sequence = loading.sequence, file_id = loading.file_id, record = compared.record - before
FROM compared
JOIN loading ON loading.file_id = compared.file
WHERE compared.outcome = 'moved' AND old.merchant = {merchant} AND old.purchase_id = compared.purchase_id
  AND (old.file_id, old.record) <> (loading.file_id, compared.record - before)

-- name: replaced_lines
-- Remove the lines of the purchases that change. In: compared; merchant. Out: purchase_lines.
DELETE FROM purchase_lines AS line
USING compared
WHERE compared.outcome = 'changed' AND line.merchant = {merchant} AND line.purchase_id = compared.purchase_id

-- name: lines
-- Add the lines of the purchases that are new or change. In: incoming_lines, compared; merchant. Out: purchase_lines.
INSERT INTO purchase_lines (merchant, purchase_id, line_no, sku, description, quantity, amount)
SELECT {merchant}, compared.purchase_id, new.line_no, new.sku, new.description, new.quantity, new.amount
FROM incoming_lines AS new
JOIN compared USING (record)
WHERE compared.outcome IN ('new', 'changed')
ORDER BY compared.purchase_id, new.line_no

-- name: replaced_purchases
-- Remove the rows that an earlier load of this file wrote and that it does not bring any more: their records now have another
-- id or class, or are skipped or rejected (rule: purchases 6). Rows stay where another file has written them since, or
-- where their buyer was suppressed and they name nobody. Profiles and email_matches stay too.
-- In: incoming_purchases; loading; merchant. Out: purchases, purchase_lines.
WITH removed AS (
    DELETE FROM purchases AS old
    USING loading
    WHERE old.merchant = {merchant} AND old.file_id = loading.file_id AND old.profile_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM incoming_purchases AS new
          WHERE new.purchase_id = old.purchase_id AND new.file = loading.file_id
      )
    RETURNING old.purchase_id
)
DELETE FROM purchase_lines AS line
USING removed
WHERE line.merchant = {merchant} AND line.purchase_id = removed.purchase_id

-- name: rows_by_key
-- How many rows each of several files has written, without those that it only confirms. For groups without late files.
-- In: incoming; table_name; matched. Out: file; table; number.
SELECT file, {table_name}, count(DISTINCT key) FROM {incoming} GROUP BY file
UNION ALL
SELECT file_id, {table_name}, -count(*) FROM matched WHERE is_same GROUP BY file_id

-- name: rows_of_people
-- The same for customers. In: resolved, matched. Out: file; table; number.
SELECT file, 'profiles', count(DISTINCT profile_id) FROM resolved GROUP BY file
UNION ALL
SELECT file_id, 'profiles', -count(*) FROM matched WHERE is_same GROUP BY file_id
UNION ALL
SELECT file, 'identifiers', count(DISTINCT number) FROM resolved WHERE unknown GROUP BY file

-- name: rows_of_purchases
-- The same for purchases. In: incoming_lines, compared, resolved, newcomers, created, filled. Out: file; table; number.
SELECT file, 'purchases', count(*) FROM compared WHERE outcome <> 'confirmed' GROUP BY file
UNION ALL
SELECT file, 'purchase_lines', sum(stored_lines) FROM compared WHERE outcome = 'changed' GROUP BY file
UNION ALL
SELECT compared.file, 'purchase_lines', count(*)
FROM incoming_lines
JOIN compared USING (record)
WHERE outcome IN ('new', 'changed')
GROUP BY compared.file
UNION ALL
SELECT file, 'profiles', count(*) FROM created JOIN newcomers USING (record) GROUP BY file
UNION ALL
SELECT file, 'profiles', count(*) FROM filled GROUP BY file
UNION ALL
SELECT file, 'identifiers', count(DISTINCT number) FROM resolved WHERE unknown GROUP BY file

-- name: stored
-- The stored purchases that have the ids of incoming ones. They are read once, since looking them up costs more than using
-- them. In: incoming_purchases; merchant. Out: stored: one row per incoming record; stored_record: its record in the file
-- that wrote the row; same_values: whether all values but the buyer are the same.
INSERT INTO stored (
    record, kind, channel, order_number, profile_id, line_count, sequence, file_id, stored_record, same_basket, same_values
)
SELECT new.record, old.kind, old.channel, old.order_number, old.profile_id, old.line_count, old.sequence, old.file_id,
       old.record, old.content_hash = new.content_hash,
       (old.kind, old.channel, old.order_number, old.receipt_number, old.branch, old.local_time, old.occurred_at,
        old.currency, old.total, old.line_count, old.content_hash, old.custom, old.mapping_version)
       IS NOT DISTINCT FROM
       (new.kind, new.channel, new.order_number, new.receipt_number, new.branch, new.local_time, new.occurred_at,
        new.currency, new.total, new.line_count, new.content_hash, coalesce(new.custom, '{{}}'), new.mapping_version)
FROM incoming_purchases AS new
JOIN purchases AS old ON old.merchant = {merchant} AND old.purchase_id = new.purchase_id

-- name: unknown_debtor
-- Accounts of a file whose invoice debtor was unknown when the file was first loaded (rule: ERP cache 7). Each price request
-- looks the debtor up again, so one that arrives later counts from then on, also one from a later file of the same group.
-- Most debtors are in the file of their accounts; the others are looked up one by one, so that the cost does not grow with
-- the table. In: incoming_accounts, written by now; loading; merchant. Out: file; number.
WITH elsewhere AS MATERIALIZED (
    SELECT new.file, new.invoice_to
    FROM incoming_accounts AS new
    WHERE new.invoice_to <> new.key
      AND NOT EXISTS (
          SELECT FROM incoming_accounts AS debtor WHERE debtor.file = new.file AND debtor.key = new.invoice_to
      )
)
SELECT elsewhere.file, count(*)
FROM elsewhere
JOIN loading ON loading.file_id = elsewhere.file
JOIN files ON files.file_id = elsewhere.file
WHERE (
    SELECT debtor.created_at
    FROM accounts AS debtor
    WHERE debtor.merchant = {merchant} AND debtor.account_number = elsewhere.invoice_to
      AND debtor.created_at <= CASE WHEN files.state = 'loaded' THEN files.finished_at ELSE loading.moment END
) IS NULL
GROUP BY elsewhere.file

-- name: versioned
-- Update the versioned rows of known keys, so that files end in the same rows whatever their order.
--
-- Rules (ERP cache 2 and 6, customers 9 and 10): each field belongs to the newest file that brought it, filled or
-- emptied; a field that a file does not bring keeps its value. Files are compared by (sequence, file_id).
-- A row holds (sequence, file_id, record) of its newest write. Its column field_versions holds the same for each field that
-- this write did not bring, and for each emptied field. So a filled field that is absent there came with the newest write, and an
-- empty one that is absent there was never brought.
--
-- In:  merchant; source: a query with the key, the fields (NULL: not brought), cleared (',a,b,': emptied) and record.
--      The lists of fields are made by merge.py, which holds the expressions of one field. matched: rows that are the
--      same are left to confirmations.sql. It is compared with the rows of source, and never joined inside of it: the planner
--      would compare each record of a file with each other one, where the store's tables have statistics.
-- Out: updated rows of the target. Only rows that change are written, so a rerun writes nothing. Where only (sequence,
--      file_id, record) of a row moves on, so that an older file that arrives late does not overwrite it, updated_at stays.
MERGE INTO {target} AS old
USING (
    SELECT * FROM (SELECT * FROM ({source}) AS records OFFSET 0) AS merged  -- OFFSET: read whole, see above
    WHERE EXISTS (
        SELECT FROM matched
        WHERE NOT matched.is_same AND matched.file_id = merged.file_id AND matched.record = merged.record
    )
) AS new
ON old.merchant = {merchant} AND old.{key} = new.{new_key}
WHEN MATCHED AND ({old_fields}, old.field_versions) IS DISTINCT FROM ({fields}, {field_versions}) THEN UPDATE SET
    {assignments},
    field_versions = {field_versions},
    sequence = greatest(old.sequence, {sequence}),
    file_id = CASE WHEN {newer} THEN {file_id} ELSE old.file_id END,
    record = CASE WHEN {newer} THEN new.record ELSE old.record END,
    updated_at = now()
WHEN MATCHED AND (({sequence}, {file_id}) > (old.sequence, old.file_id)
                  OR ({sequence}, {file_id}) = (old.sequence, old.file_id) AND old.record <> new.record) THEN UPDATE SET
    sequence = {sequence}, file_id = {file_id}, record = new.record

-- name: written
-- How many rows this session has written that PostgreSQL has not yet added to its statistics: all of the open transaction,
-- perhaps some of earlier ones. So the difference of two answers within a transaction counts. In: tables. Out: table, rows.
SELECT name, (
    pg_stat_get_xact_tuples_inserted(name::regclass) + pg_stat_get_xact_tuples_updated(name::regclass)
    + pg_stat_get_xact_tuples_deleted(name::regclass)
)::bigint
FROM unnest(%(tables)s::text[]) AS name
