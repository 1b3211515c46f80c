-- Migrations 0001, 0003, 0007 and 0008 were edited after they had landed, and 0004 first stood right behind 0001. A store
-- made meanwhile lacks what the edits added. Here it gets that; in a store that has it already, nothing changes.

-- 0001: which e-mail a profile was refused in favour of another one.
CREATE TABLE IF NOT EXISTS erp_feeds.email_refusals (
    file_id    bigint NOT NULL,
    profile_id bigint NOT NULL REFERENCES erp_feeds.profiles DEFERRABLE INITIALLY DEFERRED,
    email      text NOT NULL,
    PRIMARY KEY (file_id, profile_id)
);

-- 0002: what looks at the inboxes remember.
CREATE TABLE IF NOT EXISTS erp_feeds.sightings (
    merchant   text NOT NULL,
    interface  text NOT NULL,
    name       text NOT NULL,
    size       bigint NOT NULL,
    modified   timestamptz NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (merchant, interface, name, size, modified)
);
ALTER TABLE erp_feeds.files ADD COLUMN IF NOT EXISTS listed text NOT NULL DEFAULT '';

-- 0003: what the mapping fills.
ALTER TABLE erp_feeds.profiles
    ADD COLUMN IF NOT EXISTS service         boolean,
    ADD COLUMN IF NOT EXISTS marketing       boolean,
    ADD COLUMN IF NOT EXISTS mapping_version text;
ALTER TABLE erp_feeds.purchases
    ADD COLUMN IF NOT EXISTS custom          jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS mapping_version text;
CREATE OR REPLACE VIEW erp_feeds.orders AS SELECT * FROM erp_feeds.purchases WHERE kind = 'order';
CREATE OR REPLACE VIEW erp_feeds.returns AS SELECT * FROM erp_feeds.purchases WHERE kind = 'return';
CREATE TABLE IF NOT EXISTS erp_feeds.mappings (
    merchant      text NOT NULL,
    interface     text NOT NULL,
    version       text NOT NULL,
    links         jsonb NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant, interface, version)
);
DO $$
BEGIN
    ALTER TABLE erp_feeds.mappings RENAME COLUMN first_used TO first_used_at;
EXCEPTION WHEN undefined_column THEN
    NULL;  -- it has its name already
END $$;

-- 0007: drift as one object. Its columns differ, so that the view cannot be replaced in place.
DROP VIEW erp_feeds.file_drift;
CREATE VIEW erp_feeds.file_drift AS
WITH carried AS (
    SELECT
        file_id, merchant, interface, sequence, counts -> 'unknown' AS unknown,
        (counts -> 'elements') || (counts -> 'unknown') AS elements
    FROM erp_feeds.files
    WHERE state = 'loaded' AND counts -> 'elements' <> '{}'
), beside AS (
    SELECT
        *, lag(elements, 1) OVER line AS first, lag(elements, 2) OVER line AS second, lag(elements, 3) OVER line AS third,
        lead(file_id) OVER line IS NULL AS latest
    FROM carried
    WINDOW line AS (PARTITION BY merchant, interface ORDER BY sequence, file_id)
), compared AS (
    SELECT
        file_id, merchant, interface, latest, unknown,
        ARRAY(
            SELECT name FROM jsonb_object_keys(unknown) AS name
            WHERE NOT first ? name AND NOT coalesce(second ? name, false) AND NOT coalesce(third ? name, false)
            ORDER BY name
        ) AS new,
        ARRAY(
            SELECT name FROM jsonb_object_keys(first) AS name
            WHERE NOT elements ? name AND coalesce(second ? name, true) AND coalesce(third ? name, true)
            ORDER BY name
        ) AS gone
    FROM beside
)
SELECT file_id, merchant, interface, latest, jsonb_build_object('unknown', unknown, 'new', new, 'gone', gone) AS drift
FROM compared
WHERE unknown <> '{}' OR gone <> '{}';

-- 0008: people who come back.
ALTER TABLE erp_feeds.forgotten ADD COLUMN IF NOT EXISTS lifted_at timestamptz;
COMMENT ON COLUMN erp_feeds.forgotten.lifted_at IS 'since then only files archived before forgotten_at are affected';
