-- The external identifiers of a profile, with the file and record that brought each.
-- In:  merchant, profile_id. Out: type, value, file, record.
SELECT type, value, files.name AS file, record
FROM identifiers
LEFT JOIN files USING (file_id)
WHERE identifiers.merchant = %(merchant)s AND profile_id = %(profile_id)s
ORDER BY type, value
