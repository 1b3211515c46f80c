-- Suppression and erasure: who a person is, what is deleted, who stays suppressed.

-- name: archived
-- Every archived original that retention has left, each once.
-- In: merchant. Out: one row per original, as in the dataclass Original.
SELECT interface, name AS file, archived, archived_at, 'search' AS found_by
FROM (
    SELECT DISTINCT ON (archived) *
    FROM files
    WHERE merchant = %(merchant)s AND archived IS NOT NULL AND archive_deleted_at IS NULL
    ORDER BY archived, file_id
) AS originals
ORDER BY interface, index_number, file_id

-- name: empty_payloads
-- Remove text and key of rejected records; code, field and reason stay, and hold no values.
-- In: file_ids bigint[] and records int[], parallel. Out: rejected_records; rows written.
UPDATE rejected_records SET raw = NULL, key = NULL
FROM unnest(%(file_ids)s::bigint[], %(records)s::int[]) AS named (file_id, record)
WHERE (rejected_records.file_id, rejected_records.record) = (named.file_id, named.record)
  AND rejected_records.raw IS NOT NULL

-- name: erase
-- Erase a person in one statement. Orders and returns stay for the books with their totals and lines, without the
-- person: no profile, no custom fields, and no hash that was made with number and e-mail. Where one of the addresses led to
-- another profile, only that email_match is deleted: no record with such an address loads again.
-- In:  merchant; profile_id or null; emails text[]: the person's own. Out: how many rows of each table.
WITH matches AS (
    DELETE FROM email_matches AS matched
    USING profiles
    WHERE profiles.profile_id = matched.profile_id AND profiles.merchant = %(merchant)s
      AND (matched.profile_id = %(profile_id)s OR matched.email = ANY(%(emails)s::text[]))
    RETURNING matched.record
), conflicts AS (
    DELETE FROM email_conflicts AS conflict
    USING profiles
    WHERE profiles.profile_id = conflict.profile_id AND profiles.merchant = %(merchant)s
      AND (conflict.profile_id = %(profile_id)s OR conflict.email = ANY(%(emails)s::text[]))
    RETURNING conflict.file_id
), numbers AS (
    DELETE FROM identifiers WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s RETURNING value
), bought AS (
    UPDATE purchases SET profile_id = NULL, content_hash = NULL, custom = '{{}}', updated_at = now()
    WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s
    RETURNING purchase_id
), gone AS (
    DELETE FROM profiles WHERE merchant = %(merchant)s AND profile_id = %(profile_id)s RETURNING profile_id
)
SELECT
    (SELECT count(*) FROM gone) AS profiles,
    (SELECT count(*) FROM numbers) AS identifiers,
    (SELECT count(*) FROM matches) AS email_matches,
    (SELECT count(*) FROM conflicts) AS email_conflicts,
    (SELECT count(*) FROM bought) AS purchases_made_anonymous

-- name: identifiers
-- What would bring a person back: their numbers, their address, and every address that once led to them. An address that
-- belongs to somebody else now is returned with the file in which it led to this person; only that file's record is suppressed.
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

-- name: originals
-- The archived originals that are known to hold a person: every file that set a field, linked an identifier, brought a
-- purchase or had a record rejected. Asked before the rows are erased.
-- In:  profile_id or null; file_ids: of the rejected records. Out: one row per file, as in the dataclass Original.
WITH touched AS (
    SELECT file_id FROM profiles WHERE profile_id = %(profile_id)s
    UNION
    SELECT (origin.value ->> 1)::bigint FROM profiles, jsonb_each(field_versions) AS origin WHERE profile_id = %(profile_id)s
    UNION SELECT file_id FROM identifiers WHERE profile_id = %(profile_id)s
    UNION SELECT file_id FROM email_matches WHERE profile_id = %(profile_id)s
    UNION SELECT file_id FROM email_conflicts WHERE profile_id = %(profile_id)s
    UNION SELECT file_id FROM purchases WHERE profile_id = %(profile_id)s
    UNION SELECT unnest(%(file_ids)s::bigint[])
)
SELECT interface, name AS file, archived, archived_at, 'rows' AS found_by
FROM files
JOIN touched USING (file_id)
WHERE archived IS NOT NULL AND archive_deleted_at IS NULL
ORDER BY interface, sequence, file_id

-- name: payloads
-- The rejected records of one merchant that still have their raw text.
-- In: merchant, interfaces text[]. Out: file_id, record, interface, raw.
SELECT file_id, record, files.interface, raw
FROM rejected_records
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND files.interface = ANY(%(interfaces)s) AND raw IS NOT NULL

-- name: person
-- The profile of a number or an e-mail. An address that no profile holds now leads to the profile that it led to last
-- (customers 4).
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

-- name: remember
-- Remember what no load may bring back. A number that a load adds, because it came with a suppressed address, counts as
-- suppressed since that file came. Whoever was unsuppressed and is suppressed again is suppressed from now on.
-- In: merchant; digests bytea[] and key_ids text[], parallel; file_id: of the load, or null.
-- Out: suppressed; rows written: those that no load brings back only from now on.
INSERT INTO suppressed AS known (merchant, digest, key_id, suppressed_at)
SELECT %(merchant)s, digest, key_id,
       coalesce((SELECT archived_at FROM files WHERE file_id = %(file_id)s), clock_timestamp())
FROM unnest(%(digests)s::bytea[], %(key_ids)s::text[]) AS new (digest, key_id)
ON CONFLICT (merchant, digest) DO UPDATE
SET unsuppressed_at = NULL, suppressed_at = EXCLUDED.suppressed_at
WHERE known.unsuppressed_at IS NOT NULL

-- name: suppressed
-- What a merchant has suppressed, and what of it is unsuppressed for this file: it must have been archived after the suppression.
-- An imported file (without a path) is as old as its day, since it may hold what was erased.
-- In: merchant; file_id: the file that loads, or null: any new one. Out: digest, key_id, unsuppressed.
SELECT digest, key_id,
       unsuppressed_at IS NOT NULL
       AND coalesce((SELECT CASE WHEN path = '' THEN day ELSE archived_at END FROM files WHERE file_id = %(file_id)s)
                    >= suppressed_at, true) AS unsuppressed
FROM suppressed
WHERE merchant = %(merchant)s

-- name: unknown_numbers
-- Which of some SRS customer numbers no profile has.
-- In: merchant, numbers text[]. Out: number.
SELECT number
FROM unnest(%(numbers)s::text[]) AS number
WHERE NOT EXISTS (
    SELECT FROM identifiers
    WHERE identifiers.merchant = %(merchant)s AND identifiers.type = 'srs' AND identifiers.value = number
)
ORDER BY number

-- name: unsuppress
-- Let files that came after people were suppressed bring them back; doing it again changes nothing.
-- In: merchant; digests bytea[]. Out: suppressed; rows written.
UPDATE suppressed SET unsuppressed_at = clock_timestamp()
WHERE merchant = %(merchant)s AND digest = ANY(%(digests)s::bytea[]) AND unsuppressed_at IS NULL
