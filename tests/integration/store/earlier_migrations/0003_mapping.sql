-- The fields that only a mapping fills, and which mapping filled each row. A version of NULL: filled before
-- versions were kept; a replay tells.
ALTER TABLE erp_feeds.profiles
    ADD COLUMN service         boolean,         -- consents; NULL: never said
    ADD COLUMN marketing       boolean,
    ADD COLUMN mapping_version text;

ALTER TABLE erp_feeds.purchases
    ADD COLUMN custom          jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN mapping_version text;

-- A view keeps the columns of the day it was made.
CREATE OR REPLACE VIEW erp_feeds.orders AS SELECT * FROM erp_feeds.purchases WHERE kind = 'order';
CREATE OR REPLACE VIEW erp_feeds.returns AS SELECT * FROM erp_feeds.purchases WHERE kind = 'return';

-- Every mapping that ever filled a row, so that an old version can still be read.
CREATE TABLE erp_feeds.mappings (
    merchant   text NOT NULL,
    interface  text NOT NULL,
    version    text NOT NULL,
    links      jsonb NOT NULL,                  -- as `python -m erp_feeds mapping` shows them
    first_used timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant, interface, version)
);
