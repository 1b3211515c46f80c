-- What a merchant has suppressed, and whether it is unsuppressed: for files archived since it was suppressed.
-- In: merchant; file_id: the file that loads, or null: any new one. Out: digest, key_id, unsuppressed.
SELECT digest, key_id,
       unsuppressed_at IS NOT NULL
       AND coalesce((SELECT archived_at FROM files WHERE file_id = %(file_id)s) >= suppressed_at, true) AS unsuppressed
FROM suppressed
WHERE merchant = %(merchant)s
