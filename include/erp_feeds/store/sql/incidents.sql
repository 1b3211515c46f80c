-- Incidents: what is open of a merchant until it is resolved or dismissed.

-- name: open_in_store
-- What of a merchant's files and records is open: quarantined and not replaced, put off for want of room, rejected. The
-- rejects of a quarantined file are no cause of their own.
-- In:  merchant.
-- Out: per interface, kind and code: number, since, reason (of the latest), run_id (the latest), the first examples.
WITH open AS (
    SELECT interface, 'quarantined' AS kind, code, reason, run_id, coalesce(finished_at, first_seen_at) AS at, file_id,
           0 AS record, name AS example
    FROM files LEFT JOIN replaced_files USING (file_id)
    WHERE merchant = %(merchant)s AND state = 'quarantined' AND replaced_by IS NULL
    UNION ALL
    SELECT interface, 'put_off', latest.code, latest.reason, latest.run_id, latest.at, files.file_id, 0, name
    FROM files
    CROSS JOIN LATERAL (SELECT * FROM file_runs WHERE file_runs.file_id = files.file_id ORDER BY at DESC LIMIT 1) AS latest
    WHERE merchant = %(merchant)s AND files.state IN ('registered', 'archived', 'waiting')
      AND latest.state = 'waiting' AND latest.code = 'no_space'
    UNION ALL
    SELECT DISTINCT ON (interface, rejects.code, file_id, record)
           interface, 'rejected', rejects.code, rejects.reason, rejects.run_id, opened_at, file_id, record,
           format('%%s: record %%s', name, record)
    FROM rejects JOIN files USING (file_id)
    WHERE merchant = %(merchant)s AND state = 'loaded' AND resolved_at IS NULL AND dismissed_at IS NULL
    ORDER BY interface, kind, code, file_id, record
)
SELECT interface, kind, coalesce(code, '') AS code, count(*)::int AS number, min(at) AS since,
       coalesce((array_agg(reason ORDER BY at DESC))[1], '') AS reason,
       coalesce((array_agg(run_id ORDER BY at DESC))[1], '') AS run_id,
       (array_agg(example ORDER BY file_id, record))[1:5] AS examples
FROM open
GROUP BY interface, kind, code
ORDER BY interface, kind, code

-- name: records
-- How many open rejected records of loaded files have one or more of some codes: each counts once.
-- In: merchant; parallel arrays of interface, code. Out: how many.
SELECT count(DISTINCT (file_id, record))::int
FROM rejects JOIN files USING (file_id)
JOIN unnest(%(interface)s::text[], %(code)s::text[]) AS each (interface, code)
     ON (each.interface, each.code) = (files.interface, rejects.code)
WHERE merchant = %(merchant)s AND state = 'loaded' AND resolved_at IS NULL AND dismissed_at IS NULL

-- name: feeds
-- When the latest file of each interface came. One whose bytes were known is no new one, nor is one that was imported and
-- has no path.
-- In:  merchants text[].
-- Out: merchant, interface, last.
SELECT merchant, interface, max(first_seen_at) AS last
FROM files
WHERE merchant = ANY(%(merchants)s::text[]) AND state NOT IN ('uploading', 'duplicate', 'missing', 'replaced')
  AND path <> ''
GROUP BY merchant, interface

-- name: open
-- Open an incident for each cause that has none, and bring the others up to date; one that was dismissed is open again
-- where there is more of it than the person knew. People hear again of one that has grown since they heard a day ago.
-- In: merchant; parallel arrays of interface, kind, code, number, since, reason, run_id; examples (JSON texts of arrays).
INSERT INTO incidents AS known (merchant, interface, kind, code, number, since, reason, run_id, examples)
SELECT %(merchant)s, interface, kind, code, number, since, reason, run_id,
       ARRAY(SELECT jsonb_array_elements_text(examples::jsonb))
FROM unnest(%(interface)s::text[], %(kind)s::text[], %(code)s::text[], %(number)s::int[], %(since)s::timestamptz[],
            %(reason)s::text[], %(run_id)s::text[], %(examples)s::text[])
     AS each (interface, kind, code, number, since, reason, run_id, examples)
ON CONFLICT (merchant, interface, kind, code) WHERE resolved_at IS NULL DO UPDATE
SET number = EXCLUDED.number, reason = EXCLUDED.reason, run_id = EXCLUDED.run_id, examples = EXCLUDED.examples,
    dismissed_at = CASE WHEN EXCLUDED.number <= known.dismissed_number THEN known.dismissed_at END,
    notified_at = CASE
        WHEN EXCLUDED.number > known.dismissed_number THEN NULL
        WHEN EXCLUDED.number > known.number AND known.notified_at < clock_timestamp() - interval '1 day' THEN NULL
        ELSE known.notified_at
    END,
    dismissed_number = CASE WHEN EXCLUDED.number <= known.dismissed_number THEN known.dismissed_number END
WHERE (known.number, known.reason, known.run_id, known.examples)
      IS DISTINCT FROM (EXCLUDED.number, EXCLUDED.reason, EXCLUDED.run_id, EXCLUDED.examples)

-- name: resolve
-- Resolve the open incidents whose cause is gone. Nobody hears of a recovery who heard of no incident, nor where it was
-- dismissed, nor where another cause has taken its place: a late feed is now missing, or records are still rejected, but
-- their file as a whole is quarantined.
-- In: merchant; parallel arrays of interface, kind, code: the causes that are left.
WITH causes AS (
    SELECT * FROM unnest(%(interface)s::text[], %(kind)s::text[], %(code)s::text[]) AS each (interface, kind, code)
)
UPDATE incidents
SET resolved_at = clock_timestamp(),
    recovery_notified_at = CASE
        WHEN notified_at IS NULL OR dismissed_at IS NOT NULL OR kind IN ('late', 'missing') AND EXISTS (
            SELECT FROM causes WHERE causes.interface = incidents.interface AND causes.kind IN ('late', 'missing')
        ) OR kind = 'rejected' AND EXISTS (
            SELECT FROM files
            JOIN rejects USING (file_id)
            LEFT JOIN replaced_files USING (file_id)
            WHERE files.merchant = incidents.merchant AND files.interface = incidents.interface
              AND files.state = 'quarantined' AND replaced_by IS NULL AND rejects.code = incidents.code
              AND rejects.resolved_at IS NULL AND rejects.dismissed_at IS NULL
        ) THEN clock_timestamp()
    END
WHERE merchant = %(merchant)s AND resolved_at IS NULL AND kind <> 'failed_task' AND NOT EXISTS (
    SELECT FROM causes
    WHERE (causes.interface, causes.kind, causes.code)
          IS NOT DISTINCT FROM (incidents.interface, incidents.kind, incidents.code)
)

-- name: resolve_task
-- Resolve the incidents of failed tasks, since a run has got through them.
-- In: merchant, tasks.
UPDATE incidents
SET resolved_at = clock_timestamp(),
    recovery_notified_at = CASE WHEN notified_at IS NULL OR dismissed_at IS NOT NULL THEN clock_timestamp() END
WHERE merchant = %(merchant)s AND kind = 'failed_task' AND code = ANY (%(tasks)s::text[]) AND resolved_at IS NULL

-- name: concerned
-- Merchants whose incidents must be compared: one is open, or nobody has heard yet that it is over; or a file is quarantined or
-- not loaded yet, or a record is rejected, which may open one.
-- In:  merchants text[]. Out: merchants.
SELECT merchant FROM incidents
WHERE merchant = ANY (%(merchants)s::text[]) AND (resolved_at IS NULL OR recovery_notified_at IS NULL)
UNION
SELECT merchant FROM files
WHERE merchant = ANY (%(merchants)s::text[]) AND state IN ('registered', 'archived', 'waiting', 'quarantined')
UNION
SELECT merchant FROM rejects JOIN files USING (file_id)
WHERE merchant = ANY (%(merchants)s::text[]) AND state = 'loaded' AND resolved_at IS NULL AND dismissed_at IS NULL

-- name: retire
-- Resolve, without a word, what is open of merchants that have no file any more.
-- In: merchants: those that have one.
UPDATE incidents
SET resolved_at = clock_timestamp(), recovery_notified_at = clock_timestamp()
WHERE merchant <> ALL (%(merchants)s::text[]) AND resolved_at IS NULL

-- name: list
-- Incidents, as in the dataclass Incident.
-- In:  merchant or null: all; pending: those of which nobody has heard yet, or not that they are over; else those that are
--      open, the dismissed ones too where asked.
-- Out: by merchant, then the oldest first.
SELECT incident_id, merchant, interface, kind, code, number, since, reason, run_id, examples, opened_at, resolved_at,
       dismissed_at, dismissed_by, dismissed_reason
FROM incidents
WHERE (%(merchant)s::text IS NULL OR merchant = %(merchant)s)
  AND CASE
          WHEN %(pending)s THEN recovery_notified_at IS NULL AND dismissed_at IS NULL
                                AND (resolved_at IS NOT NULL) = (notified_at IS NOT NULL)
          ELSE resolved_at IS NULL AND (%(with_dismissed)s OR dismissed_at IS NULL)
      END
ORDER BY merchant, opened_at, incident_id

-- name: notified
-- Note that people have heard of incidents, or that they are over.
-- In: incident_ids.
UPDATE incidents
SET notified_at = coalesce(notified_at, clock_timestamp()),
    recovery_notified_at = CASE WHEN resolved_at IS NOT NULL THEN clock_timestamp() END
WHERE incident_id = ANY (%(incident_ids)s::bigint[])

-- name: merchant
-- Whose an incident is. In: incident_id. Out: merchant; nothing where there is no such incident.
SELECT merchant FROM incidents WHERE incident_id = %(incident_id)s

-- name: dismiss
-- Dismiss an open incident: a person knows of it, and it counts no more until there is more of it.
-- In: incident_id, by, reason. Out: merchant, interface, kind, code; nothing where no such incident is open.
UPDATE incidents
SET dismissed_at = clock_timestamp(), dismissed_by = %(by)s, dismissed_reason = %(reason)s, dismissed_number = number,
    notified_at = coalesce(notified_at, clock_timestamp())
WHERE incident_id = %(incident_id)s AND resolved_at IS NULL
RETURNING merchant, interface, kind, code

-- name: reopen
-- Let a dismissed incident count again, as one of which people have heard.
-- In: incident_id. Out: merchant, interface, code; nothing where no such incident is dismissed and still there.
UPDATE incidents
SET dismissed_at = NULL, dismissed_by = NULL, dismissed_reason = NULL, dismissed_number = NULL
WHERE incident_id = %(incident_id)s AND resolved_at IS NULL AND dismissed_at IS NOT NULL
RETURNING merchant, interface, code

-- name: resolve_dismissed
-- Resolve, without a word, the incidents of rejected records of which a person has dismissed the last open one.
-- In: merchant, by, reason.
UPDATE incidents
SET dismissed_at = coalesce(dismissed_at, clock_timestamp()), dismissed_by = coalesce(dismissed_by, %(by)s),
    dismissed_reason = coalesce(dismissed_reason, %(reason)s),
    resolved_at = clock_timestamp(), recovery_notified_at = clock_timestamp()
WHERE merchant = %(merchant)s AND kind = 'rejected' AND resolved_at IS NULL AND (
    SELECT bool_and(rejects.dismissed_at IS NOT NULL)
    FROM rejects JOIN files USING (file_id)
    WHERE files.merchant = %(merchant)s AND files.interface = incidents.interface AND rejects.code = incidents.code
      AND files.state = 'loaded' AND rejects.resolved_at IS NULL
)

-- name: changed
-- Whether Airflow shows something else than what is open. In: nothing. Out: true or false.
SELECT EXISTS (
    SELECT FROM incidents
    WHERE shown IS DISTINCT FROM CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
)

-- name: shown
-- Note what Airflow shows from now on. In: nothing.
UPDATE incidents
SET shown = CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
WHERE shown IS DISTINCT FROM CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
