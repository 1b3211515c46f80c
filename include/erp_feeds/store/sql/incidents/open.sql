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
