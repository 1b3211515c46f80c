-- Whether Airflow shows something else than what is open. In: nothing. Out: true or false.
SELECT EXISTS (
    SELECT FROM incidents
    WHERE shown IS DISTINCT FROM CASE WHEN resolved_at IS NULL AND dismissed_at IS NULL THEN number END
)
