-- Originals that a replay takes, one per content.
-- In: merchant, interfaces; deleted: whether retention has deleted the original; each or null: file_ids, files (names),
--     rejects (a code that is open: not of what a later file resolved or replaced), since, until (days, both included). Out: ledger rows, in load order.
SELECT file_id, interface, name, size, path, index_number::text, sequence::text, archived, revision
FROM files
WHERE merchant = %(merchant)s AND interface = ANY(%(interfaces)s)
  AND state IN ('loaded', 'quarantined', 'archived') AND archived IS NOT NULL
  AND (archive_deleted_at IS NOT NULL) = %(deleted)s
  AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY(%(file_ids)s::bigint[]))
  AND (%(files)s::text[] IS NULL OR name = ANY(%(files)s::text[]))
  AND (%(since)s::date IS NULL OR day >= %(since)s::date)
  AND (%(until)s::date IS NULL OR day <= %(until)s::date)
  AND (%(rejects)s::text IS NULL
       OR state = 'quarantined' AND code = %(rejects)s AND file_id NOT IN (SELECT file_id FROM replaced_files)
       OR EXISTS (
           SELECT FROM rejects
           WHERE rejects.file_id = files.file_id AND rejects.code = %(rejects)s AND rejects.resolved_at IS NULL
       ))
ORDER BY files.interface, files.sequence, file_id
