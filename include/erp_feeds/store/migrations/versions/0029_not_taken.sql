-- What the latest scan of each inbox found and no run takes: files of other shops, or with names that nothing takes.
ALTER TABLE erp_feeds.inbox_scans ADD COLUMN not_taken jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN erp_feeds.inbox_scans.not_taken IS 'Files in the inbox that no run takes: path, why, shop.';
