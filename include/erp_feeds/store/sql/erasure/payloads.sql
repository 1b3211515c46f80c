-- The refused records of one merchant that still have their raw text.
-- In: merchant, interfaces text[] (those about people). Out: file_id, record, interface, raw.
SELECT rejects.file_id, rejects.record, files.interface, rejects.raw
FROM rejects
JOIN files USING (file_id)
WHERE files.merchant = %(merchant)s AND files.interface = ANY(%(interfaces)s) AND rejects.raw IS NOT NULL
