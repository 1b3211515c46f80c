-- What a merchant has forgotten, and whether it is lifted: for files archived since it was forgotten.
-- In: merchant; file_id: the file that loads, or null: any new one. Out: digest, key_id, lifted.
SELECT digest, key_id,
       lifted_at IS NOT NULL
       AND coalesce((SELECT archived_at FROM files WHERE file_id = %(file_id)s) >= forgotten_at, true) AS lifted
FROM forgotten
WHERE merchant = %(merchant)s
