-- What a dry run would change, row by row.

-- name: accounts
-- Accounts as a dry run compares them: the fields, none of the bookkeeping.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT account_number AS key,
       to_jsonb(accounts) - ARRAY['account_number', 'merchant', 'sequence', 'file_id', 'record', 'field_versions', 'created_at',
                                  'updated_at'] AS fields
FROM accounts
WHERE merchant = {merchant} AND ({chosen})

-- name: brought_purchases
-- The orders and returns that files have brought, as they are stored, or have confirmed: a reload may remove them.
-- In: merchant; files. Out: key.
SELECT purchase_id FROM purchases WHERE merchant = {merchant} AND file_id = ANY({files}::bigint[])
UNION
SELECT unnest(keys) FROM confirmations
WHERE merchant = {merchant} AND table_name = 'purchases' AND file_id = ANY({files}::bigint[])

-- name: own_profile_ids
-- Give this transaction numbers of its own for new profiles: a sequence does not roll back, and the real one would be
-- left with gaps. They are negative, so that they meet no real one, and begin at random, lest two dry runs meet.
-- In: start. Out: a temporary sequence that hides the real one.
CREATE TEMP SEQUENCE profile_ids INCREMENT BY -1 MINVALUE -9223372036854775807 START WITH {start}

-- name: profiles
-- Profiles as a dry run compares them: the fields, the custom fields and the numbers, none of the bookkeeping.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT profile_id::text AS key,
       to_jsonb(profiles) - ARRAY['profile_id', 'merchant', 'custom', 'sequence', 'file_id', 'record', 'field_versions',
                                  'created_at', 'updated_at', 'mapping_version']
       || custom
       || jsonb_build_object('srs', (SELECT jsonb_agg(value ORDER BY value) FROM identifiers
                                     WHERE identifiers.profile_id = profiles.profile_id)) AS fields
FROM profiles
WHERE merchant = {merchant} AND ({chosen})

-- name: purchases
-- Orders and returns as a dry run compares them: the fields and the lines, none of the bookkeeping.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT purchase_id AS key,
       to_jsonb(purchases) - ARRAY['purchase_id', 'merchant', 'content_hash', 'sequence', 'file_id', 'record',
                                   'created_at', 'updated_at', 'mapping_version']
       || jsonb_build_object('lines', (SELECT jsonb_agg(to_jsonb(line) - ARRAY['merchant', 'purchase_id'] ORDER BY line_no)
                                       FROM purchase_lines AS line
                                       WHERE line.merchant = purchases.merchant
                                         AND line.purchase_id = purchases.purchase_id)) AS fields
FROM purchases
WHERE merchant = {merchant} AND ({chosen})

-- name: rejects
-- Rejects as a dry run compares them: which are open.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT concat_ws(':', rejects.file_id, record, rejects.code, field) AS key,
       jsonb_build_object('code', rejects.code, 'is_open', resolved_at IS NULL AND dismissed_at IS NULL) AS fields
FROM rejects
JOIN files USING (file_id)
WHERE merchant = {merchant} AND ({chosen})
