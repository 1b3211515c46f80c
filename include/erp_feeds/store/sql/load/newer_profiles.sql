-- The refused records of a file whose customers a newer file has brought: their number, which that file wrote to the
-- custom field too (rule: customers 12), or their e-mail address. Where that cannot be told, because the merchant does
-- not link the custom field or a person has another number by now, the reject stays open.
-- In: merchant; sequence; file_id. Out: record, file_id.
WITH refused AS (
    SELECT record, key FROM rejected_records WHERE file_id = {file_id} AND key IS NOT NULL
), found AS (
    SELECT refused.record, sequence, profiles.file_id, origins, 'custom_srs_customer_number' AS brought
    FROM refused
    JOIN identifiers ON identifiers.merchant = {merchant} AND type = 'srs' AND value = refused.key
    JOIN profiles USING (profile_id)
    WHERE profiles.custom ->> 'custom_srs_customer_number' = refused.key
    UNION ALL
    SELECT refused.record, sequence, profiles.file_id, origins, 'email'
    FROM refused
    JOIN profiles ON profiles.merchant = {merchant} AND profiles.email = refused.key
), written AS (
    SELECT record, coalesce((origins -> brought ->> 0)::numeric, sequence) AS sequence,
           coalesce((origins -> brought ->> 1)::bigint, file_id) AS file_id
    FROM found
)
SELECT record, file_id FROM written WHERE (sequence, file_id) > ({sequence}, {file_id})
