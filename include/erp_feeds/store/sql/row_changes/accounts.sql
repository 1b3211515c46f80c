-- Accounts as a dry run compares them: the fields, none of the bookkeeping.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT account_number AS key,
       to_jsonb(accounts) - ARRAY['account_number', 'merchant', 'sequence', 'file_id', 'record', 'field_versions', 'created_at',
                                  'updated_at'] AS fields
FROM accounts
WHERE merchant = {merchant} AND ({chosen})
