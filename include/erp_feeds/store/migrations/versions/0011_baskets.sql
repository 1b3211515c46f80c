-- What a file wrote: a reload of it replaces that.
CREATE INDEX purchases_file ON erp_feeds.purchases (file_id, record);

-- The hash of a basket is that of its moment, currency and lines, as steps/purchases.py makes it; until now it was also
-- that of the buyer. Where a mapping fills currency or lines from other elements the hash comes out another one: then the
-- next file that brings the purchase counts as changed content.
UPDATE erp_feeds.purchases AS old
SET content_hash = encode(sha256(convert_to(concat(
        old.local_time, E'\t', old.currency, E'\n',
        (SELECT string_agg(concat(sku, E'\t', description, E'\t', quantity, E'\t', amount), E'\n' ORDER BY line_no)
         FROM erp_feeds.purchase_lines AS line
         WHERE line.merchant = old.merchant AND line.purchase_id = old.purchase_id)
    ), 'UTF8')), 'hex');
