-- Rejects as a dry run compares them: which are open.
-- In: merchant; chosen: a condition. Out: key, fields (JSON object).
SELECT concat_ws(':', rejects.file_id, record, rejects.code, field) AS key,
       jsonb_build_object('code', rejects.code, 'is_open', resolved_at IS NULL) AS fields
FROM rejects
JOIN files USING (file_id)
WHERE merchant = {merchant} AND ({chosen})
