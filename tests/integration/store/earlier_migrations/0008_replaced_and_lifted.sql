-- Quarantined files in whose place another came later, under the same name, that loaded, or held the bytes of one that
-- loaded before: nothing of them is left to mend. Their rows, and what their runs said, stay as they are.
--   replaced_by: the first such file
CREATE VIEW erp_feeds.replaced_files AS
SELECT DISTINCT ON (refused.file_id) refused.file_id, newer.file_id AS replaced_by
FROM erp_feeds.files AS refused
JOIN erp_feeds.files AS newer USING (merchant, interface, name)
WHERE refused.state = 'quarantined' AND (newer.seen_at, newer.file_id) > (refused.seen_at, refused.file_id)
  AND (newer.state = 'loaded'
       OR newer.state = 'duplicate' AND EXISTS (
           SELECT FROM erp_feeds.files AS loaded
           WHERE (loaded.merchant, loaded.interface, loaded.name) = (newer.merchant, newer.interface, newer.name)
             AND loaded.sha256 = newer.sha256 AND loaded.state = 'loaded'
       ))
ORDER BY refused.file_id, newer.seen_at, newer.file_id;
