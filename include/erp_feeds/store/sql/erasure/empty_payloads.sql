-- Remove the raw text of refused records; code, field and reason stay, and hold no values.
-- In: file_ids bigint[] and records int[], parallel. Out: rejects; rows written.
UPDATE rejects SET raw = NULL
FROM unnest(%(file_ids)s::bigint[], %(records)s::int[]) AS named (file_id, record)
WHERE rejects.file_id = named.file_id AND rejects.record = named.record AND rejects.raw IS NOT NULL
