-- Whether a newer file of the interface was loaded before this one (rule: ERP cache 6, late files).
-- A replay asks about the time of the first load, so that it counts the same.
-- In: file_id, sequence. Out: one boolean.
SELECT EXISTS (
    SELECT FROM files AS newer
    WHERE newer.merchant = files.merchant AND newer.interface = files.interface AND newer.state = 'loaded'
      AND newer.sequence > %(sequence)s::numeric
      AND (files.state <> 'loaded' OR newer.finished_at < files.finished_at)
)
FROM files
WHERE file_id = %(file_id)s
