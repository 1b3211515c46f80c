-- A reject is open until a load mends it; what it refused lies apart, because it is personal data.

-- The refused records as they were delivered, and the key by which a newer file may bring the same record again.
-- Row security without any policy: only the owner, who loads, sees a row. A grant on all tables of the schema, or
-- membership in pg_read_all_data, opens the codes and reasons to others, and never this.
CREATE TABLE erp_feeds.rejected_records (
    file_id bigint NOT NULL REFERENCES erp_feeds.files,
    record  int NOT NULL,
    key     text,                               -- NULL: it was refused for its key, or has none
    raw     text,
    PRIMARY KEY (file_id, record)
);
ALTER TABLE erp_feeds.rejected_records ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON erp_feeds.rejected_records FROM PUBLIC;

INSERT INTO erp_feeds.rejected_records (file_id, record, raw)
SELECT file_id, record, max(raw) FROM erp_feeds.rejects GROUP BY file_id, record;

ALTER TABLE erp_feeds.rejects
    DROP COLUMN raw,
    ADD COLUMN run_id         text,             -- the run that refused it
    ADD COLUMN opened_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN closed_at      timestamptz,
    ADD COLUMN closed_by_run  text,
    ADD COLUMN closed_by_file bigint REFERENCES erp_feeds.files;

UPDATE erp_feeds.rejects
SET run_id = files.run_id, opened_at = coalesce(files.finished_at, opened_at)
FROM erp_feeds.files
WHERE files.file_id = rejects.file_id;

CREATE INDEX rejects_open ON erp_feeds.rejects (file_id) WHERE closed_at IS NULL;

-- Why a run refused a file: the ledger's own code and reason go when a later run loads it.
ALTER TABLE erp_feeds.file_runs ADD COLUMN code text, ADD COLUMN reason text;
