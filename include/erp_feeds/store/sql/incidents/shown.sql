-- Note what Airflow shows from now on. In: nothing.
UPDATE incidents
SET shown = CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
WHERE shown IS DISTINCT FROM CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
