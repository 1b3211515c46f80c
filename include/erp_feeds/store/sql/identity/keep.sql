-- Keep what was resolved and by which rule, once the new profiles are there.
-- In: resolved; merchant; file_id. Out: identifiers, email_matches. Rules: customers 1, 2 and 4.
INSERT INTO identifiers (merchant, type, value, profile_id, file_id, record, rule)
SELECT {merchant}, 'srs', number, profile_id, {file_id}, min(record), rule
FROM resolved
WHERE unknown
GROUP BY number, profile_id, rule
ORDER BY profile_id;

INSERT INTO email_matches AS known (file_id, record, email, profile_id, rule)
SELECT {file_id}, record, email, profile_id, rule
FROM resolved
WHERE unmatched
ON CONFLICT (file_id, record) DO UPDATE
SET email = EXCLUDED.email, profile_id = EXCLUDED.profile_id, rule = EXCLUDED.rule
