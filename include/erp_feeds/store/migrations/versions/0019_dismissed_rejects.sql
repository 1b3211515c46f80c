-- A reject is open until a load resolves it, or a person dismisses it. Who does so is a user of this system.
ALTER TABLE erp_feeds.rejects
    ADD COLUMN dismissed_at     timestamptz,
    ADD COLUMN dismissed_by     text,
    ADD COLUMN dismissed_reason text,
    ADD CONSTRAINT rejects_dismissed_check CHECK (
        num_nulls(dismissed_at, dismissed_by, dismissed_reason) IN (0, 3)
    );
-- Whether a rejected record was dismissed before, in another file: mostly nothing is, and no load looks further.
CREATE INDEX rejects_dismissed ON erp_feeds.rejects (file_id, record) WHERE dismissed_at IS NOT NULL;

-- A file of which more records are rejected than the merchant file allows loads where a person approved so many of them.
ALTER TABLE erp_feeds.files
    ADD COLUMN approved_rejects int,
    ADD COLUMN approved_by      text,
    ADD COLUMN approved_at      timestamptz;
