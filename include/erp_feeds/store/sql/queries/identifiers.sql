-- What leads to a profile: its external identifiers, and the addresses by which records without a number found it, each
-- with the rule that linked it and the file and record that brought it first.
-- In:  merchant, profile_id. Out: type ('srs', 'email'), value, rule, file, record.
SELECT type, value, rule, files.name AS file, record
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
