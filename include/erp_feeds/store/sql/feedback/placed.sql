-- Remember which result lies on the server, and when the ledger was read for it: what happens later is owed anew.
-- In: file_id, digest, looked_at.
UPDATE files SET result_digest = %(digest)s, result_at = %(looked_at)s
WHERE file_id = %(file_id)s
