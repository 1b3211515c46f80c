-- Note what Airflow shows from now on. In: nothing. Out: an incident for each that it shows no more, anew or otherwise.
UPDATE incidents
SET shown = CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
WHERE shown IS DISTINCT FROM CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
RETURNING incident_id
