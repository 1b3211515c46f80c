-- The archived originals that are known to hold a person: every file that set a field, linked an identifier, brought a
-- purchase or had a record refused. Asked before the rows are erased.
-- In:  profile_id or null; file_ids: of the refused records. Out: one row per file, as in the dataclass Original.
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
