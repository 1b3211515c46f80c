-- Refused records as they were delivered: personal data, which only the owner of the table sees.
-- In:  file_ids, records: parallel arrays. Out: file_id, record, raw.
SELECT file_id, record, raw
FROM rejected_records
WHERE (file_id, record) IN (SELECT * FROM unnest(%(file_ids)s::bigint[], %(records)s::int[]))
