-- The refused records of one merchant that still have their raw text.
-- In: merchant, interfaces text[]. Out: file_id, record, interface, raw.
SELECT file_id, record, files.interface, raw
FROM rejected_records
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND files.interface = ANY(%(interfaces)s) AND raw IS NOT NULL
