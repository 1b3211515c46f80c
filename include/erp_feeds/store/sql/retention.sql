-- name: expired
-- Originals that retention deletes: of files that are done with, received the last time some days ago. Two files of
-- the same bytes share one original. An imported one that nobody has replayed is no exception: the limit is one of law.
-- In: merchant, days. Out: archived (URL).
SELECT archived
FROM files
WHERE merchant = %(merchant)s AND archived IS NOT NULL AND archive_deleted_at IS NULL
GROUP BY archived
HAVING bool_and(
    (state NOT IN ('registered', 'archived', 'waiting') OR path = '') AND archived_at < clock_timestamp() - make_interval(days => %(days)s)
)
ORDER BY min(archived_at), archived

-- name: note_deleted
-- Note that an original is deleted, unless a file that is not done with has come to share it.
-- In: merchant, archived (URL). Out: rows written.
UPDATE files
SET archive_deleted_at = clock_timestamp()
WHERE merchant = %(merchant)s AND archived = %(archived)s AND archive_deleted_at IS NULL
  AND NOT EXISTS (
      SELECT FROM files AS other
      WHERE other.merchant = %(merchant)s AND other.archived = %(archived)s
        AND other.state IN ('registered', 'archived', 'waiting') AND other.path <> ''
  )
