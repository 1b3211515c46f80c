-- Note that an original is deleted, unless a sighting that is not done with has come to share it.
-- In: merchant, archived (URL). Out: rows written.
UPDATE files
SET archive_deleted_at = clock_timestamp()
WHERE merchant = %(merchant)s AND archived = %(archived)s AND archive_deleted_at IS NULL
  AND NOT EXISTS (
      SELECT FROM files AS other
      WHERE other.merchant = %(merchant)s AND other.archived = %(archived)s
        AND other.state IN ('seen', 'archived', 'waiting')
  )
