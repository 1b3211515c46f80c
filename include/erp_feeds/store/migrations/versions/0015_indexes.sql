-- The open rejects of one record, not all those of its file.
DROP INDEX erp_feeds.rejects_open;
CREATE INDEX rejects_open ON erp_feeds.rejects (file_id, record) WHERE resolved_at IS NULL;
