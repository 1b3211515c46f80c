-- Files stand in one table from the first scan that finds them. One that is still being uploaded is a row in state
-- uploading, until now a sighting.
LOCK TABLE erp_feeds.files, erp_feeds.file_runs, erp_feeds.sightings IN ACCESS EXCLUSIVE MODE;

ALTER TABLE erp_feeds.files RENAME COLUMN seen_at TO first_seen_at;
ALTER TABLE erp_feeds.files
    DROP CONSTRAINT files_state_check,
    DROP CONSTRAINT files_merchant_interface_name_size_modified_key;

-- A vanished file was gone when it was to be fetched, which its end tells, or another one had taken its place.
UPDATE erp_feeds.files
SET state = CASE WHEN state = 'seen' THEN 'registered' WHEN finished_at IS NULL THEN 'replaced' ELSE 'missing' END
WHERE state IN ('seen', 'vanished');
UPDATE erp_feeds.file_runs
SET state = CASE state WHEN 'seen' THEN 'registered' WHEN 'put_off' THEN 'waiting' ELSE 'missing' END
WHERE state IN ('seen', 'put_off', 'vanished');

INSERT INTO erp_feeds.files (merchant, interface, name, size, modified, index_number, state, first_seen_at)
SELECT merchant, interface, name, size, modified, substring(name FROM '_([0-9]+)\.[^.]+$')::numeric, 'uploading', first_seen
FROM erp_feeds.sightings
WHERE name ~ '_[0-9]+\.[^.]+$'
  AND NOT EXISTS (
    SELECT FROM erp_feeds.files
    WHERE (files.merchant, files.interface, files.name, files.size, files.modified)
        = (sightings.merchant, sightings.interface, sightings.name, sightings.size, sightings.modified)
      AND files.state NOT IN ('missing', 'replaced')
  )
ORDER BY first_seen, modified;
DROP TABLE erp_feeds.sightings;

ALTER TABLE erp_feeds.files
    ALTER COLUMN state SET DEFAULT 'uploading',
    ADD CONSTRAINT files_state_check CHECK (
        state IN ('uploading', 'registered', 'archived', 'waiting', 'loaded', 'quarantined', 'duplicate', 'missing', 'replaced')
    );
ALTER TABLE erp_feeds.file_runs
    ADD CONSTRAINT file_runs_state_check CHECK (
        state IN ('uploading', 'registered', 'archived', 'waiting', 'loaded', 'quarantined', 'duplicate', 'missing', 'replaced')
    );

-- What comes back after it was missing or replaced is a new file.
CREATE UNIQUE INDEX files_remote_file ON erp_feeds.files (merchant, interface, name, size, modified)
WHERE state NOT IN ('missing', 'replaced');
