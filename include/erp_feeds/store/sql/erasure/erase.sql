-- Erase a person in one statement. Orders and returns stay for the books with their totals and lines, without the
-- person: no profile, no custom fields, and no hash that was made with number and e-mail. Whoever else met one of the addresses loses
-- only that memory: no record with such an address loads again.
-- In:  merchant; profile_id or null; emails text[]: the person's own. Out: how many rows of each table.
WITH matches AS (
    DELETE FROM email_matches AS matched
    USING profiles
    WHERE profiles.profile_id = matched.profile_id AND profiles.merchant = %(merchant)s
      AND (matched.profile_id = %(profile_id)s OR matched.email = ANY(%(emails)s::text[]))
    RETURNING matched.record
), refusals AS (
    DELETE FROM email_conflicts AS refused
    USING profiles
    WHERE profiles.profile_id = refused.profile_id AND profiles.merchant = %(merchant)s
      AND (refused.profile_id = %(profile_id)s OR refused.email = ANY(%(emails)s::text[]))
    RETURNING refused.file_id
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
    (SELECT count(*) FROM refusals) AS email_conflicts,
    (SELECT count(*) FROM bought) AS purchases_made_anonymous
