-- Orders and returns: the newest file that brings a purchase decides, files compared by (sequence, file_id).
-- Rules: purchases 4 and 6.
-- What another mapping makes of the same content counts as changed: a replay after a change of the mapping rewrites.
-- The same content from a newer file moves only sequence, file and record on, lest an older file arriving late
-- overwrite it; updated_at and lines stay.
-- In: incoming_purchases, incoming_lines, resolved; merchant; sequence; file_id. Out: purchases, purchase_lines.
CREATE TEMP TABLE changed ON COMMIT DROP AS
SELECT new.record, new.purchase_id, resolved.profile_id, old.purchase_id IS NOT NULL AS stored
FROM incoming_purchases AS new
JOIN resolved USING (record)
LEFT JOIN purchases AS old ON old.merchant = {merchant} AND old.purchase_id = new.purchase_id
WHERE old.purchase_id IS NULL
   OR ({sequence}, {file_id}) >= (old.sequence, old.file_id)
  AND (old.kind, old.channel, old.profile_id, old.order_number, old.receipt_number, old.branch, old.local_time,
       old.occurred_at, old.currency, old.total, old.line_count, old.content_hash, old.custom, old.mapping_version)
      IS DISTINCT FROM
      (new.kind, new.channel, resolved.profile_id, new.order_number, new.receipt_number, new.branch, new.local_time,
       new.occurred_at, new.currency, new.total, new.line_count, new.content_hash,
       coalesce(new.custom, '{{}}'), new.mapping_version);
ANALYZE changed;

MERGE INTO purchases AS old
USING (
    SELECT new.*, changed.profile_id, changed.record IS NOT NULL AS changed
    FROM incoming_purchases AS new
    LEFT JOIN changed USING (record)
) AS new
ON old.merchant = {merchant} AND old.purchase_id = new.purchase_id
WHEN MATCHED AND new.changed THEN UPDATE SET
    kind = new.kind, channel = new.channel, profile_id = new.profile_id, order_number = new.order_number,
    receipt_number = new.receipt_number, branch = new.branch, local_time = new.local_time,
    occurred_at = new.occurred_at, currency = new.currency, total = new.total, line_count = new.line_count,
    content_hash = new.content_hash, custom = coalesce(new.custom, '{{}}'), mapping_version = new.mapping_version,
    sequence = {sequence}, file_id = {file_id}, record = new.record,
    updated_at = now()
WHEN MATCHED AND (({sequence}, {file_id}) > (old.sequence, old.file_id)
                  OR ({sequence}, {file_id}) = (old.sequence, old.file_id) AND old.record <> new.record) THEN
    UPDATE SET sequence = {sequence}, file_id = {file_id}, record = new.record
WHEN NOT MATCHED THEN INSERT (
    merchant, purchase_id, kind, channel, profile_id, order_number, receipt_number, branch, local_time, occurred_at,
    currency, total, line_count, content_hash, custom, mapping_version, sequence, file_id, record
) VALUES (
    {merchant}, new.purchase_id, new.kind, new.channel, new.profile_id, new.order_number, new.receipt_number, new.branch,
    new.local_time, new.occurred_at, new.currency, new.total, new.line_count, new.content_hash,
    coalesce(new.custom, '{{}}'), new.mapping_version, {sequence}, {file_id}, new.record
);

DELETE FROM purchase_lines AS line
USING changed
WHERE changed.stored AND line.merchant = {merchant} AND line.purchase_id = changed.purchase_id;

INSERT INTO purchase_lines (merchant, purchase_id, line_no, sku, description, quantity, amount)
SELECT {merchant}, changed.purchase_id, new.line_no, new.sku, new.description, new.quantity, new.amount
FROM incoming_lines AS new
JOIN changed USING (record)
