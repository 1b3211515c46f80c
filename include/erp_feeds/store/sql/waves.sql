-- Which small files that name people may load at once.

-- name: all_new
-- Whether no file was loaded before, and none of the interface that is newer than the first of them: so nothing that they
-- bring is late, and nothing is replaced. In: merchant; interface; file_ids; sequence: of the first. Out: one boolean.
SELECT NOT EXISTS (
    SELECT FROM files
    WHERE merchant = {merchant} AND interface = {interface}
      AND (file_id = ANY({file_ids}::bigint[]) OR sequence >= {sequence}::numeric)
      AND (state = 'loaded'
           OR EXISTS (SELECT FROM file_runs WHERE file_runs.file_id = files.file_id AND file_runs.state = 'loaded'))
)

-- name: known_number
-- The profiles of numbers; complete: it has a number among its custom fields and an address, so that no purchase fills it.
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
-- The profiles that hold addresses. In: merchant; known: text[]. Out: place in known, from 1; profile_id; true.
SELECT place, profile_id, true
FROM unnest(%(known)s::text[]) WITH ORDINALITY AS known (email, place)
CROSS JOIN LATERAL (
    SELECT profile_id FROM profiles WHERE merchant = %(merchant)s AND email = known.email OFFSET 0
) AS holder
