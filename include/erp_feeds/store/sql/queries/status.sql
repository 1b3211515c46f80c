-- What the store holds per merchant, in one row each.
-- In:  merchants text[] (reported even without rows), merchant text or null (null: all).
-- Out: merchant, profiles, orders, returns, lines, revenue, accounts, and per code or state: files, skipped, warnings,
--      rejects, quarantined (jsonb objects; of files, those that a later one replaced are no quarantined ones); drift: per
--      interface, that of its latest file; crowded: the profiles of five customer numbers or more, at most ten, the
--      fullest of them.
-- Skipped records and warnings come from the tallies of loaded files, rejects from the open rejects themselves, so that
-- neither is lost when a file is replayed.
WITH wanted_files AS (
    SELECT
        file_id, merchant, code, counts,
        CASE WHEN replaced_by IS NULL THEN state ELSE 'replaced' END AS state
    FROM files LEFT JOIN replaced_files USING (file_id)
    WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
), profile_counts AS (
    SELECT merchant, count(*) AS profiles
    FROM profiles WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), purchase_counts AS (
    SELECT merchant, count(*) FILTER (WHERE kind = 'order') AS orders, count(*) FILTER (WHERE kind = 'return') AS returns
    FROM purchases WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), line_counts AS (
    SELECT merchant, count(*) AS lines, sum(amount) AS revenue
    FROM purchase_lines WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), account_counts AS (
    SELECT merchant, count(*) AS accounts
    FROM accounts WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s GROUP BY merchant
), tallies AS (
    SELECT merchant, 'files' AS tally, state AS code, count(*) AS n FROM wanted_files GROUP BY merchant, state
    UNION ALL
    SELECT merchant, 'quarantined', code, count(*) FROM wanted_files WHERE state = 'quarantined' GROUP BY merchant, code
    UNION ALL
    SELECT merchant, 'rejects', rejects.code, count(*)
    FROM rejects JOIN wanted_files USING (file_id) WHERE resolved_at IS NULL GROUP BY merchant, rejects.code
    UNION ALL
    SELECT merchant, tally, each.key, sum(each.value::bigint)
    FROM wanted_files
    CROSS JOIN (VALUES ('skipped'), ('warnings')) AS tallied (tally)
    CROSS JOIN LATERAL jsonb_each_text(counts -> tally) AS each
    WHERE state = 'loaded' GROUP BY merchant, tally, each.key
), drifts AS (
    SELECT merchant, jsonb_object_agg(interface, drift) AS drift
    FROM file_drift WHERE latest AND (%(merchant)s::text IS NULL OR merchant = %(merchant)s) GROUP BY merchant
), crowds AS (
    SELECT merchant, jsonb_object_agg(profile_id, numbers) AS crowded
    FROM (
        SELECT merchant, profile_id, count(*) AS numbers,
               row_number() OVER (PARTITION BY merchant ORDER BY count(*) DESC, profile_id) AS place
        FROM identifiers
        WHERE type = 'srs' AND (%(merchant)s::text IS NULL OR merchant = %(merchant)s)
        GROUP BY merchant, profile_id HAVING count(*) >= 5
    ) AS crowd
    WHERE place <= 10 GROUP BY merchant
), objects AS (
    SELECT
        merchant,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'files') AS files,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'quarantined') AS quarantined,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'rejects') AS rejects,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'skipped' AND n > 0) AS skipped,
        jsonb_object_agg(code, n) FILTER (WHERE tally = 'warnings' AND n > 0) AS warnings
    FROM tallies GROUP BY merchant
), named AS (
    SELECT unnest(%(merchants)s::text[]) AS merchant
    UNION SELECT merchant FROM objects
    UNION SELECT merchant FROM profile_counts
    UNION SELECT merchant FROM purchase_counts
    UNION SELECT merchant FROM account_counts
)
SELECT
    merchant,
    coalesce(profiles, 0) AS profiles,
    coalesce(orders, 0) AS orders,
    coalesce(returns, 0) AS returns,
    coalesce(lines, 0) AS lines,
    coalesce(revenue, 0) AS revenue,
    coalesce(accounts, 0) AS accounts,
    coalesce(files, jsonb_build_object()) AS files,
    coalesce(skipped, jsonb_build_object()) AS skipped,
    coalesce(rejects, jsonb_build_object()) AS rejects,
    coalesce(quarantined, jsonb_build_object()) AS quarantined,
    coalesce(warnings, jsonb_build_object()) AS warnings,
    coalesce(drift, jsonb_build_object()) AS drift,
    coalesce(crowded, jsonb_build_object()) AS crowded
FROM named
LEFT JOIN profile_counts USING (merchant)
LEFT JOIN purchase_counts USING (merchant)
LEFT JOIN line_counts USING (merchant)
LEFT JOIN account_counts USING (merchant)
LEFT JOIN objects USING (merchant)
LEFT JOIN drifts USING (merchant)
LEFT JOIN crowds USING (merchant)
WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
ORDER BY merchant
