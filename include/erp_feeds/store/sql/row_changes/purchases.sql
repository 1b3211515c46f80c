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
