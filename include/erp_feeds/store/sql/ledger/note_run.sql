-- Keep what a run made of a file; the same result again changes nothing.
-- In: file_id, run, state, counts; code and reason of a refusal, or null. Out: file_runs.
INSERT INTO file_runs AS known (file_id, run_id, state, counts, code, reason)
VALUES (%(file_id)s, %(run)s, %(state)s, %(counts)s, %(code)s, %(reason)s)
ON CONFLICT (file_id, run_id) DO UPDATE
SET state = EXCLUDED.state, counts = EXCLUDED.counts, code = EXCLUDED.code, reason = EXCLUDED.reason,
    at = clock_timestamp()
WHERE (known.state, known.counts, known.code, known.reason)
      IS DISTINCT FROM (EXCLUDED.state, EXCLUDED.counts, EXCLUDED.code, EXCLUDED.reason)
