-- By what a person would come back: their numbers, their address, and every address that led to them. One that belongs
-- to somebody else by now is named with the file in which it led here, and only that file's record is suppressed.
-- In:  merchant, profile_id. Out: kind ('srs', 'email'), value, file_id or null.
SELECT 'srs', value, NULL::bigint FROM identifiers WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s
UNION
SELECT 'email', email, NULL FROM profiles WHERE profile_id = %(profile_id)s AND email IS NOT NULL
UNION
SELECT 'email', matched.email, CASE WHEN other.profile_id IS NOT NULL THEN matched.file_id END
FROM email_matches AS matched
LEFT JOIN profiles AS other
       ON other.merchant = %(merchant)s AND other.email = matched.email AND other.profile_id <> matched.profile_id
WHERE matched.profile_id = %(profile_id)s
