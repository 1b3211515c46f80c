-- The load of a group of files, in one transaction under the lock of their merchant. Statements with file_id are of one file;
-- the others read in the table loading which files there are.

-- name: added
-- Add the versioned rows of the records that meet none. In: merchant; source, as in versioned; matched. Out: the target.
INSERT INTO {target} (merchant, {key}, {columns}, sequence, file_id, record, field_versions, created_at)
SELECT {merchant}, new.{new_key}, {new_values}, {sequence}, {file_id}, new.record, {first_origins}, new.moment
FROM ({source}) AS new
WHERE NOT EXISTS (SELECT FROM matched WHERE matched.file_id = new.file_id AND matched.record = new.record)

-- name: class_changed
-- Reject offline purchases whose class flips against the stored one (rule: purchases 6), before they do anything else.
-- The same file read again, for example with other excluded articles, may flip its own.
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
-- The custom fields that this load may touch or must keep apart: of its records, and of the profiles that they fill
-- (emptied ones are known only by their origin). Mostly they are those that the mapping links, and no key is looked at.
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
-- Reject purchases that would share an id with another purchase: an online order, a return and a receipt may read alike
-- by their numbers (rule: purchases 11). Whoever came first keeps the id, in this file or before it; what this file
-- brought itself gives way, since it is replaced.
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
-- A replay asks about what had arrived by the time of the first load, so that it counts the same.
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
-- Where several baskets bear one receipt, stored or in this file, a basket that is stored keeps its id, whichever
-- file brings it, in whatever order and company (rule: purchases 7). The others take the ids of stored baskets of their
-- own class, in file order, first that of the basket that a file last brought the longest ago, so that the same baskets
-- stand in the end; where none is left, an id that is free. So none takes the place of another that still stands, none is
-- stored twice, and none changes the class of an id, which would be rejected (rule: purchases 6).
-- Such receipts are rare, and the primary key finds them first, so that the cost does not grow with the table: OFFSET 0
-- keeps it so, where a planner that knows nothing of the table yet would compare every receipt with every purchase.
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
-- A basket that came by its address alone is the same purchase when its buyer's number is added: so that a new number joins
-- that buyer, the record goes by the address too (rule: purchases 7). What the profile is called by now finds it.
-- In: incoming_purchases, stored. Out: their email.
UPDATE incoming_purchases AS new
SET email = buyer.email
FROM stored AS old
JOIN email_matches AS matched ON matched.file_id = old.file_id AND matched.record = old.stored_record
JOIN profiles AS buyer ON buyer.profile_id = old.profile_id
WHERE old.record = new.record AND old.same_basket AND new.number IS NOT NULL AND new.email IS NULL

-- name: known_buyers
-- A basket is the same purchase whoever is named beside it: a record without a number keeps the one with which the stored
-- basket came (rule: purchases 7). A basket that came by its address alone has an email_match.
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
-- The files of which a newer one of the interface was loaded before (rule: ERP cache 6, late files).
-- A replay asks about the time of the first load, so that it counts the same.
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
-- The rejected records of the files that load whose receipts, or order numbers at their moment, a newer file has brought.
-- Key by key and each by its own index, as in rejects.sql, resolve: joined by one condition with OR, every key is compared
-- with every purchase. In: merchant; loading. Out: rejected_file, record, file_id.
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
-- Fill the addresses of the profiles whose first wish is also the first one for that address, and drop the wishes that
-- this decides. Repeated until none is left, this is what one record after the other would do. Rule: purchases 12.
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
-- What existing profiles lack and the purchases know: an address. Rule: purchases 12. One that somebody holds stays.
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
-- What a purchase fills has sequence 0, as the profiles that it makes: any customers file may replace it.
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
-- The profiles that only a purchase knows: number and e-mail, with sequence 0, so that any customers file may fill them.
-- What existing profiles lack is filled by profile_gaps. Rules: purchases 3, customers 12 (the custom field).
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
-- A replay under another mapping says so on the profiles that its file made.
-- In: known, incoming_purchases; loading. Out: profiles.
UPDATE profiles AS old
SET mapping_version = new.mapping_version
FROM known
JOIN incoming_purchases AS new USING (record)
JOIN loading ON loading.file_id = new.file
WHERE known.own AND old.profile_id = known.profile_id AND old.sequence = 0 AND old.record = new.record - before
  AND old.mapping_version IS DISTINCT FROM new.mapping_version

-- name: compared
-- What becomes of each purchase, files compared by (sequence, file_id). new and changed ones are written; of an older file
-- only the new. What another mapping makes of the same content counts as changed: a replay after a change of the mapping
-- rewrites. The same content from a newer file is confirmed, see confirmations.sql; moved, so that the row says at once which
-- file brought it, where the next load asks: of receipts that several baskets share (known_baskets), and where one record
-- came by its address alone and the other did not (known_buyers).
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
-- Add the orders and returns that are new, in file order: what is copied is in the order of hashes, in which an index grows
-- dearly. In: incoming_purchases, compared; loading; merchant. Out: purchases.
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
ORDER BY new.record

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
-- Let rows say which file and record brought them last, lest an older file arriving late overwrite them; updated_at and
-- lines stay. In: compared; loading; merchant. Out: purchases.
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
ORDER BY new.record, new.line_no

-- name: replaced_purchases
-- What a file brought when it was loaded before and brings no more: records that now have another id or class, or that
-- are skipped or rejected (rule: purchases 6). A row that another file has written since is that file's, and that of
-- somebody who was suppressed has nobody's name and stays. Profiles stay, and so does to whom an address led.
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
-- How many rows each file of several has written, where none is late; less those that it confirms.
-- In: incoming; table_name; matched. Out: file; table; number.
SELECT file, {table_name}, count(DISTINCT key) FROM {incoming} GROUP BY file
UNION ALL
SELECT file_id, {table_name}, -count(*) FROM matched WHERE is_same GROUP BY file_id

-- name: rows_of_people
-- The same of customers. In: resolved, matched. Out: file; table; number.
SELECT file, 'profiles', count(DISTINCT profile_id) FROM resolved GROUP BY file
UNION ALL
SELECT file_id, 'profiles', -count(*) FROM matched WHERE is_same GROUP BY file_id
UNION ALL
SELECT file, 'identifiers', count(DISTINCT number) FROM resolved WHERE unknown GROUP BY file

-- name: rows_of_purchases
-- The same of purchases. In: incoming_lines, compared, resolved, newcomers, created, filled. Out: file; table; number.
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
-- What the store has under the ids of purchases that come: asked once, since a look at each costs more than what is done
-- with it. In: incoming_purchases; merchant. Out: stored: by the record that comes; stored_record: of the file that wrote
-- the row; same_values: all that the row says but to whom it belongs.
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
-- Accounts of a file whose invoice debtor was unknown when the file was loaded first (rule: ERP cache 7). The answer to
-- a price request is decided anew at every request, so a debtor that arrives later counts from then on; also one that
-- a later file of the same group brings.
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
-- Write records over the versioned rows that they meet, so that files end in the same rows whatever their order.
--
-- Rules (ERP cache 2 and 6, customers 9 and 10): each field belongs to the newest file that brought it, filled or
-- emptied; a field that a file does not bring keeps its value. Files are compared by (sequence, file_id).
-- A row says (sequence, file_id, record) of its newest write. Its column field_versions says the same of each field
-- that this write did not bring and of each emptied field; a filled field absent there came with the newest write,
-- and an empty one was never brought.
--
-- In:  merchant; source: a query with the key, the fields (NULL: not brought), cleared (',a,b,': emptied) and record.
--      The lists of fields are made by merge.py, which holds the expressions of one field. matched: rows that are the
--      same are left to confirmations.sql. It is compared with what source has given, never joined inside of it: there the
--      planner met each record of a file with each other one of it, where the store's tables have statistics.
-- Out: rows of the target updated. Only rows that change are written: a rerun writes nothing. Where only the
--      place of a row moves on, lest an older file arriving late overwrite it, its updated_at stays.
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
-- How many rows this session has written and PostgreSQL has not yet added to its statistics: of the open transaction all,
-- of earlier ones maybe some, so two answers within a transaction are compared. In: tables. Out: table, rows.
SELECT name, (
    pg_stat_get_xact_tuples_inserted(name::regclass) + pg_stat_get_xact_tuples_updated(name::regclass)
    + pg_stat_get_xact_tuples_deleted(name::regclass)
)::bigint
FROM unnest(%(tables)s::text[]) AS name
