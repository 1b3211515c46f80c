-- The result that lies on the ERP party's server for a file.
ALTER TABLE erp_feeds.files
    ADD COLUMN result_digest text,              -- SHA-256 of its path and bytes; NULL: none was placed
    ADD COLUMN result_at     timestamptz;       -- when the ledger was read for it

-- What happened lately: files run again, rejects mended.
CREATE INDEX file_runs_at ON erp_feeds.file_runs (at);
CREATE INDEX rejects_closed ON erp_feeds.rejects (closed_at) WHERE closed_at IS NOT NULL;
