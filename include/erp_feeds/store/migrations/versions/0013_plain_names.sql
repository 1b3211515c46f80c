-- One word for one thing: a field has a version, a reject is resolved, a person is suppressed.
ALTER TABLE erp_feeds.profiles RENAME COLUMN origins TO field_versions;
ALTER TABLE erp_feeds.accounts RENAME COLUMN origins TO field_versions;

ALTER TABLE erp_feeds.rejects RENAME COLUMN closed_at TO resolved_at;
ALTER TABLE erp_feeds.rejects RENAME COLUMN closed_by_run TO resolved_by_run;
ALTER TABLE erp_feeds.rejects RENAME COLUMN closed_by_file TO resolved_by_file;
ALTER INDEX erp_feeds.rejects_closed RENAME TO rejects_resolved;

ALTER TABLE erp_feeds.email_refusals RENAME TO email_conflicts;

ALTER TABLE erp_feeds.forgotten RENAME TO suppressed;
ALTER TABLE erp_feeds.suppressed RENAME COLUMN forgotten_at TO suppressed_at;
ALTER TABLE erp_feeds.suppressed RENAME COLUMN lifted_at TO unsuppressed_at;
ALTER TABLE erp_feeds.forgotten_salt RENAME TO suppression_salt;

UPDATE erp_feeds.files SET counts = replace(counts::text, '"forgotten":', '"suppressed":')::jsonb
 WHERE counts -> 'skipped' ? 'forgotten';
UPDATE erp_feeds.file_runs SET counts = replace(counts::text, '"forgotten":', '"suppressed":')::jsonb
 WHERE counts -> 'skipped' ? 'forgotten';
