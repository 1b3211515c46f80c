-- Rejected records: written, resolved, dismissed. A reject is open while it is neither resolved nor dismissed. A load resolves
-- dismissed ones too: the record is there after all.

-- name: add_originals
-- Add line and text to rejected records that have none. In: incoming_originals; file_id. Out: rejects, rejected_records.
UPDATE rejects SET line = new.line
FROM incoming_originals AS new
WHERE rejects.file_id = {file_id} AND rejects.record = new.record AND rejects.line IS NULL;

UPDATE rejected_records SET raw = new.text
FROM incoming_originals AS new
WHERE rejected_records.file_id = {file_id} AND rejected_records.record = new.record AND raw IS NULL

-- name: dismiss
-- Dismiss the open rejects of a merchant, or open again those that were dismissed. In a quarantined file as in a loaded one.
-- In: merchant; each or null: interface, code, field, file (name), record; reopen; by, reason. Out: how many.
WITH changed AS (
    UPDATE rejects
    SET dismissed_at = CASE WHEN NOT %(reopen)s THEN clock_timestamp() END,
        dismissed_by = CASE WHEN NOT %(reopen)s THEN %(by)s::text END,
        dismissed_reason = CASE WHEN NOT %(reopen)s THEN %(reason)s::text END
    FROM files
    WHERE files.file_id = rejects.file_id AND merchant = %(merchant)s
      AND resolved_at IS NULL AND (dismissed_at IS NOT NULL) = %(reopen)s
      AND (%(interface)s::text IS NULL OR interface = %(interface)s)
      AND (%(code)s::text IS NULL OR rejects.code = %(code)s)
      AND (%(field)s::text IS NULL OR field = %(field)s)
      AND (%(file)s::text IS NULL OR name = %(file)s)
      AND (%(record)s::int IS NULL OR record = %(record)s)
    RETURNING rejects.file_id
)
SELECT count(*) FROM changed

-- name: dismiss_again
-- Dismiss what a person dismissed before: the same error of the same record, letter for letter, in another file of the
-- interface. A full export brings such a record every day. What came with other content stays open.
-- In: merchant; interface; file_ids; run. Out: rejects.
UPDATE rejects
SET dismissed_at = earlier.dismissed_at, dismissed_by = earlier.dismissed_by, dismissed_reason = earlier.dismissed_reason
FROM (
    SELECT new.ctid, known.*
    FROM rejects AS new
    JOIN rejected_records AS rejected USING (file_id, record)
    CROSS JOIN LATERAL (
        SELECT dismissed_at, dismissed_by, dismissed_reason
        FROM rejected_records AS other
        JOIN rejects AS dismissed USING (file_id, record)
        WHERE other.merchant = {merchant} AND other.interface = {interface} AND other.key = rejected.key
          AND other.raw = rejected.raw AND other.file_id <> rejected.file_id
          AND dismissed.code = new.code AND dismissed.field = new.field AND dismissed_at IS NOT NULL
        ORDER BY dismissed_at DESC
        LIMIT 1
    ) AS known
    WHERE new.file_id = ANY({file_ids}) AND new.run_id = {run} AND new.resolved_at IS NULL AND new.dismissed_at IS NULL
) AS earlier
WHERE rejects.ctid = earlier.ctid

-- name: earlier_open
-- Whether files before these have open rejects: usually not. In: merchant; interface; loading. Out: one boolean.
SELECT EXISTS (
    SELECT FROM rejects
    JOIN files USING (file_id)
    WHERE resolved_at IS NULL AND merchant = {merchant} AND interface = {interface}
      AND (sequence, file_id) < (SELECT sequence, file_id FROM loading ORDER BY sequence DESC, file_id DESC LIMIT 1)
)

-- name: keep
-- Keep rejected records; the same reject again writes nothing, so that a replay doubles nothing.
-- What a replay had resolved and is rejected again opens again; what a newer file resolved stays so.
-- In: incoming_rejects, incoming_originals; merchant; interface; run. Out: rejects, rejected_records.
MERGE INTO rejected_records AS known
USING (
    SELECT file AS file_id, record, max(incoming_rejects.key) AS key, max(incoming_originals.text) AS raw
    FROM incoming_rejects
    LEFT JOIN incoming_originals USING (file, record)
    GROUP BY file, record
) AS new
ON known.file_id = new.file_id AND known.record = new.record
WHEN MATCHED AND (known.key, known.raw) IS DISTINCT FROM (new.key, coalesce(new.raw, known.raw)) THEN
    UPDATE SET key = new.key, raw = coalesce(new.raw, known.raw)
WHEN NOT MATCHED THEN
    INSERT (file_id, record, merchant, interface, key, raw)
    VALUES (new.file_id, new.record, {merchant}, {interface}, new.key, new.raw);

MERGE INTO rejects AS known
USING (
    SELECT DISTINCT ON (file, record, code, coalesce(field, ''))
           file AS file_id, record, code, coalesce(field, '') AS field, line, reason
    FROM incoming_rejects
    LEFT JOIN incoming_originals USING (file, record)
    ORDER BY file, record, code, coalesce(field, ''), reason
) AS new
ON known.file_id = new.file_id AND known.record = new.record AND known.code = new.code AND known.field = new.field
WHEN MATCHED AND known.resolved_by_file = new.file_id THEN
    UPDATE SET line = coalesce(new.line, known.line), reason = new.reason, run_id = {run},
               opened_at = clock_timestamp(), resolved_at = NULL, resolved_by_run = NULL, resolved_by_file = NULL
WHEN MATCHED AND (known.line, known.reason) IS DISTINCT FROM (coalesce(new.line, known.line), new.reason) THEN
    UPDATE SET line = coalesce(new.line, known.line), reason = new.reason
WHEN NOT MATCHED THEN
    INSERT (file_id, record, code, field, line, reason, run_id)
    VALUES (new.file_id, new.record, new.code, new.field, new.line, new.reason, {run})

-- name: newer_people
-- The rejected records of these files whose customers a newer file has brought: by number, which that file wrote into the
-- custom field too (rule: customers 12); a record without a number by the address of another record without one. Where the
-- merchant does not link the custom field, or the person has another number now, nobody can tell, and the reject stays open.
-- In: merchant; loading. Out: rejected_file, record, file_id.
WITH rejected AS (
    SELECT loading.file_id AS rejected_file, loading.sequence AS old_sequence, record, key
    FROM loading
    JOIN rejected_records USING (file_id)
    WHERE key IS NOT NULL
), numbered AS (
    SELECT rejected.rejected_file, rejected.old_sequence, rejected.record,
           coalesce((field_versions -> 'custom_srs_customer_number' ->> 0)::numeric, sequence) AS sequence,
           coalesce((field_versions -> 'custom_srs_customer_number' ->> 1)::bigint, profiles.file_id) AS file_id
    FROM rejected
    JOIN identifiers ON identifiers.merchant = {merchant} AND type = 'srs' AND value = rejected.key
    JOIN profiles USING (profile_id)
    WHERE profiles.custom ->> 'custom_srs_customer_number' = rejected.key
), written AS (
    SELECT * FROM numbered
    UNION ALL
    SELECT rejected.rejected_file, rejected.old_sequence, rejected.record, files.sequence, files.file_id
    FROM rejected
    JOIN email_matches AS matched ON matched.email = rejected.key
    JOIN files ON files.file_id = matched.file_id AND files.merchant = {merchant} AND files.interface = 'srs_customers'
)
SELECT rejected_file, record, file_id FROM written WHERE (sequence, file_id) > (old_sequence, rejected_file)

-- name: newer_rows
-- The rejected records of these files whose keys a newer file has brought, for rows that are loaded by key. Each key is looked
-- up by its index, as in resolve. In: table; key_column; merchant; loading. Out: rejected_file, record, file_id.
SELECT rejected.file_id AS rejected_file, rejected.record, brought.file_id
FROM loading
JOIN rejected_records AS rejected USING (file_id)
CROSS JOIN LATERAL (
    SELECT sequence, file_id FROM {table} WHERE merchant = {merchant} AND {key_column} = rejected.key OFFSET 0
) AS brought
WHERE (brought.sequence, brought.file_id) > (loading.sequence, loading.file_id)

-- name: own_open
-- Whether these files have open rejects, and whether newer files are loaded: usually neither.
-- In: merchant; interface; loading. Out: two booleans.
SELECT
    EXISTS (SELECT FROM rejects JOIN loading USING (file_id) WHERE resolved_at IS NULL),
    EXISTS (
        SELECT FROM files
        WHERE merchant = {merchant} AND interface = {interface} AND state = 'loaded'
          AND (sequence, file_id) > (SELECT sequence, file_id FROM loading ORDER BY sequence, file_id LIMIT 1)
    )

-- name: resolve
-- Resolve rejects of earlier files of the interface: those whose record these files bring again, by key; and all rejects of
-- a file of which these files hold a newer revision. The first such file counts, a revision before any other file.
-- It starts from the keys, by the index of rejected_records, so that the cost does not grow with the number of open rejects.
-- OFFSET 0 keeps this order: a planner without statistics of the latest rows would compare every key with every reject.
-- In: incoming: a table with file and key of each record that this load takes; loading; merchant; interface; run.
-- Out: rejects.
UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = revision.file_id
FROM (
    SELECT DISTINCT ON (earlier.file_id) earlier.file_id AS earlier_file, loading.file_id
    FROM loading
    JOIN files AS earlier ON earlier.merchant = {merchant} AND earlier.interface = {interface} AND earlier.name = loading.name
    WHERE (earlier.sequence, earlier.file_id) < (loading.sequence, loading.file_id)
    ORDER BY earlier.file_id, loading.sequence, loading.file_id
) AS revision
WHERE rejects.file_id = revision.earlier_file AND rejects.resolved_at IS NULL;

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = brought.file_id
FROM (
    SELECT DISTINCT ON (opened.ctid) opened.ctid, loading.file_id
    FROM {incoming} AS taken
    JOIN loading ON loading.file_id = taken.file
    CROSS JOIN LATERAL (
        SELECT file_id, record
        FROM rejected_records
        WHERE merchant = {merchant} AND interface = {interface} AND key = taken.key
        OFFSET 0
    ) AS rejected
    JOIN files AS earlier ON earlier.file_id = rejected.file_id
    CROSS JOIN LATERAL (
        SELECT ctid
        FROM rejects
        WHERE file_id = rejected.file_id AND record = rejected.record AND resolved_at IS NULL
        OFFSET 0
    ) AS opened
    WHERE (earlier.sequence, earlier.file_id) < (loading.sequence, loading.file_id)
    ORDER BY opened.ctid, loading.sequence, loading.file_id
) AS brought
WHERE rejects.ctid = brought.ctid

-- name: resolve_own
-- Resolve rejects of these files themselves: those that this load does not find any more; those whose record a newer file
-- has brought already; and all of a file of which a newer revision is loaded. So the same rejects are open whatever the order
-- of the files.
-- In: incoming_rejects; newer: a query that gives each rejected record that newer files brought, and the file; loading;
--     run. Out: rejects.
UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = rejects.file_id
FROM loading
WHERE rejects.file_id = loading.file_id AND resolved_at IS NULL
  AND NOT EXISTS (
      SELECT FROM incoming_rejects AS new
      WHERE new.file = rejects.file_id AND new.record = rejects.record AND new.code = rejects.code AND coalesce(new.field, '') = rejects.field
  );

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = newer.file_id
FROM ({newer}) AS newer
CROSS JOIN LATERAL (  -- record by record, as in resolve
    SELECT ctid
    FROM rejects
    WHERE file_id = newer.rejected_file AND record = newer.record AND resolved_at IS NULL
    OFFSET 0
) AS opened
WHERE rejects.ctid = opened.ctid;

UPDATE rejects
SET resolved_at = clock_timestamp(), resolved_by_run = {run}, resolved_by_file = revision.file_id
FROM loading
JOIN files AS this USING (file_id)
JOIN files AS revision ON (revision.merchant, revision.interface, revision.name) = (this.merchant, this.interface, this.name)
WHERE rejects.file_id = this.file_id AND rejects.resolved_at IS NULL
  AND revision.state = 'loaded' AND (revision.sequence, revision.file_id) > (loading.sequence, loading.file_id)

-- name: without_original
-- The rejected records of a file whose text was not looked up yet: those that the load rejected, even if a newer file has
-- resolved them already. In: file_id. Out: record.
SELECT DISTINCT record FROM rejects WHERE file_id = %(file_id)s AND line IS NULL
