-- Originals that retention deletes: of files that are done with, received the last time some days ago. Two sightings of
-- the same bytes share one original.
-- In: merchant, days. Out: archived (URL).
SELECT archived
FROM files
WHERE merchant = %(merchant)s AND archived IS NOT NULL AND archive_deleted_at IS NULL
GROUP BY archived
HAVING bool_and(
    state NOT IN ('seen', 'archived', 'waiting') AND archived_at < clock_timestamp() - make_interval(days => %(days)s)
)
ORDER BY min(archived_at), archived
