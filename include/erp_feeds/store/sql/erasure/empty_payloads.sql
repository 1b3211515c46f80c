-- Remove text and key of refused records; code, field and reason stay, and hold no values.
-- In: file_ids bigint[] and records int[], parallel. Out: rejected_records; rows written.
UPDATE rejected_records SET raw = NULL, key = NULL
FROM unnest(%(file_ids)s::bigint[], %(records)s::int[]) AS named (file_id, record)
WHERE (rejected_records.file_id, rejected_records.record) = (named.file_id, named.record)
  AND rejected_records.raw IS NOT NULL
