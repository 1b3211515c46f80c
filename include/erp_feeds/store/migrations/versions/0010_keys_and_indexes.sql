-- By whose key a newer file brings a rejected record again: asked for each load, so it must not read every reject.
ALTER TABLE erp_feeds.rejected_records ADD COLUMN merchant text, ADD COLUMN interface text;
UPDATE erp_feeds.rejected_records
SET merchant = files.merchant, interface = files.interface
FROM erp_feeds.files
WHERE files.file_id = rejected_records.file_id;
ALTER TABLE erp_feeds.rejected_records
    ALTER COLUMN merchant SET NOT NULL,
    ALTER COLUMN interface SET NOT NULL;
CREATE INDEX rejected_records_key ON erp_feeds.rejected_records (merchant, interface, key) WHERE key IS NOT NULL;

-- To whom an address led that a record without a number bore.
CREATE INDEX email_matches_email ON erp_feeds.email_matches (email);

-- The latest orders and returns of a merchant, without sorting all of them.
CREATE INDEX purchases_occurred_at ON erp_feeds.purchases (merchant, occurred_at DESC, purchase_id);
