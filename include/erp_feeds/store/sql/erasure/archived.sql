-- Every archived original of some interfaces that retention has left, each once.
-- In: merchant, interfaces text[]. Out: one row per original, as in the dataclass Original.
SELECT interface, name AS file, archived, archived_at, 'search' AS found_by
FROM (
    SELECT DISTINCT ON (archived) *
    FROM files
    WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
      AND archived IS NOT NULL AND archive_deleted_at IS NULL
    ORDER BY archived, file_id
) AS originals
ORDER BY interface, index_number, file_id
