-- What is open, until it is resolved or dismissed: one open row a cause, so that one alert is sent and one of recovery.
-- No personal data: codes, counts, names of files, numbers of records, reasons.
CREATE TABLE erp_feeds.incidents (
    incident_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant             text NOT NULL,
    interface            text,                            -- NULL: of the merchant as a whole
    kind                 text NOT NULL CHECK (kind IN (
                             'quarantined', 'put_off', 'rejected', 'late', 'missing', 'unreachable', 'failed_task')),
    code                 text NOT NULL DEFAULT '',        -- of files and records; of failed_task the task
    number               int NOT NULL DEFAULT 1,          -- files or records that are open
    since                timestamptz NOT NULL,            -- when the cause began
    reason               text NOT NULL DEFAULT '',
    run_id               text NOT NULL DEFAULT '',        -- the latest run that met it
    examples             text[] NOT NULL DEFAULT '{}',    -- the first files, or files and records
    opened_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    notified_at          timestamptz,
    resolved_at          timestamptz,
    recovery_notified_at timestamptz,                     -- set at once where nobody was alerted
    dismissed_at         timestamptz,                     -- by a person, who knows of so many: more of it opens it again
    dismissed_by         text,
    dismissed_reason     text,
    dismissed_number     int,
    shown                int                              -- the number that Airflow shows; NULL: it shows no such incident
);
CREATE UNIQUE INDEX incidents_open ON erp_feeds.incidents (merchant, interface, kind, code) NULLS NOT DISTINCT
    WHERE resolved_at IS NULL;

-- When an inbox was last scanned, and since when no scan succeeds.
CREATE TABLE erp_feeds.inbox_scans (
    merchant      text PRIMARY KEY,
    succeeded_at  timestamptz,                            -- to the minute: most scans find nothing, and write nothing
    failing_since timestamptz,                            -- NULL: the latest scan succeeded
    reason        text NOT NULL DEFAULT ''
);

-- The latest file of an interface, without reading the others.
CREATE INDEX files_arrival ON erp_feeds.files (merchant, interface, first_seen_at);
