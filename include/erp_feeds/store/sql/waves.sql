-- Which small files that name people may load at once.

-- name: all_new
-- Whether none of the files was loaded before, and no newer file of the interface than the first of them: then no value of
-- theirs is late, and none of their own rows is replaced.
-- In: merchant; interface; file_ids; sequence: of the first. Out: one boolean.
SELECT NOT EXISTS (
    SELECT FROM files
    WHERE merchant = {merchant} AND interface = {interface}
      AND (file_id = ANY({file_ids}::bigint[]) OR sequence >= {sequence}::numeric)
      AND (state = 'loaded'
           OR EXISTS (SELECT FROM file_runs WHERE file_runs.file_id = files.file_id AND file_runs.state = 'loaded'))
)

-- name: known_number
-- The profiles of some numbers. complete: it has an address and the number in its custom field, so that no purchase fills it.
-- In: merchant; known: text[]. Out: place in known, from 1; profile_id; complete.
SELECT place, profile_id, complete
FROM unnest(%(known)s::text[]) WITH ORDINALITY AS known (number, place)
CROSS JOIN LATERAL (
    SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = known.number OFFSET 0
) AS numbered
CROSS JOIN LATERAL (
    SELECT email IS NOT NULL AND custom ? 'custom_srs_customer_number' AS complete
    FROM profiles
    WHERE profiles.profile_id = numbered.profile_id
    OFFSET 0
) AS named

-- name: known_email
-- The profiles that hold some addresses. In: merchant; known: text[]. Out: place in known, from 1; profile_id; true.
SELECT place, profile_id, true
FROM unnest(%(known)s::text[]) WITH ORDINALITY AS known (email, place)
CROSS JOIN LATERAL (
    SELECT profile_id FROM profiles WHERE merchant = %(merchant)s AND email = known.email OFFSET 0
) AS holder
