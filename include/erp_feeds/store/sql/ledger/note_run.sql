-- Keep what a run made of a file; the same result again changes nothing.
-- In: file_id, run, state, counts. Out: file_runs.
INSERT INTO file_runs AS known (file_id, run_id, state, counts)
VALUES (%(file_id)s, %(run)s, %(state)s, %(counts)s)
ON CONFLICT (file_id, run_id) DO UPDATE
SET state = EXCLUDED.state, counts = EXCLUDED.counts, at = clock_timestamp()
WHERE (known.state, known.counts) IS DISTINCT FROM (EXCLUDED.state, EXCLUDED.counts)
