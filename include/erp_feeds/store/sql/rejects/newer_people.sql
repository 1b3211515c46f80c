-- The rejected records of a file whose customers a newer file has brought: their number, which that file wrote to the
-- custom field too (rule: customers 12); or, without a number, the same address without one. Where that cannot be told,
-- because the merchant does not link the custom field or a person has another number by now, the reject stays open.
-- In: merchant; sequence; file_id. Out: record, file_id.
WITH refused AS (
    SELECT record, key FROM rejected_records WHERE file_id = {file_id} AND key IS NOT NULL
), numbered AS (
    SELECT refused.record,
           coalesce((field_versions -> 'custom_srs_customer_number' ->> 0)::numeric, sequence) AS sequence,
           coalesce((field_versions -> 'custom_srs_customer_number' ->> 1)::bigint, profiles.file_id) AS file_id
    FROM refused
    JOIN identifiers ON identifiers.merchant = {merchant} AND type = 'srs' AND value = refused.key
    JOIN profiles USING (profile_id)
    WHERE profiles.custom ->> 'custom_srs_customer_number' = refused.key
), written AS (
    SELECT * FROM numbered
    UNION ALL
    SELECT refused.record, files.sequence, files.file_id
    FROM refused
    JOIN email_matches AS matched ON matched.email = refused.key
    JOIN files ON files.file_id = matched.file_id AND files.merchant = {merchant} AND files.interface = 'srs_customers'
)
SELECT record, file_id FROM written WHERE (sequence, file_id) > ({sequence}, {file_id})
