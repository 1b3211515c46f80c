-- Who answers to a number or an e-mail. An address that nobody holds now leads to whom it led last (customers 4).
-- In:  merchant; srs or email, the other null. Out: profile_id; several where an old address led to several people.
SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = %(srs)s
UNION
SELECT profile_id FROM profiles WHERE merchant = %(merchant)s AND email = %(email)s
UNION
SELECT matched.profile_id
FROM email_matches AS matched
JOIN profiles USING (profile_id)
WHERE profiles.merchant = %(merchant)s AND matched.email = %(email)s
  AND NOT EXISTS (SELECT FROM profiles WHERE merchant = %(merchant)s AND email = %(email)s)
ORDER BY profile_id
