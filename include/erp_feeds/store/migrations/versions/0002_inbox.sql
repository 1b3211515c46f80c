-- Files that a look at an inbox found and the ledger does not know yet. One that a later look finds unchanged, at
-- least the merchant's stable_for after the first, is complete. Shared by every process that looks.
CREATE TABLE erp_feeds.sightings (
    merchant   text NOT NULL,
    interface  text NOT NULL,
    name       text NOT NULL,
    size       bigint NOT NULL,
    modified   timestamptz NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (merchant, interface, name, size, modified)
);

-- The time as LIST gives it (2017-01-05T11:53 or 2017-01-05), so that a look need not ask for the exact time of every
-- file that stays in the inbox. Empty while the file is so young that it could change within its minute.
ALTER TABLE erp_feeds.files ADD COLUMN listed text NOT NULL DEFAULT '';
