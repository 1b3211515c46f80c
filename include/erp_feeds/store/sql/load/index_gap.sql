-- How many index numbers are missing right before this file (rule: ERP cache 6, gaps; for interfaces that count up).
-- A replay asks about what had arrived by the time of the first load, so that it counts the same.
-- In: file_id. Out: one number; 0 for the first file of an interface, and for one that itself fills a gap.
SELECT least(coalesce(files.index_number - max(earlier.index_number) - 1, 0), 2147483647)::int
FROM files
LEFT JOIN files AS earlier
       ON earlier.merchant = files.merchant AND earlier.interface = files.interface
      AND earlier.index_number < files.index_number AND earlier.archived_at IS NOT NULL
      AND (files.state <> 'loaded' OR earlier.archived_at < files.finished_at)
WHERE files.file_id = {file_id}
GROUP BY files.index_number
