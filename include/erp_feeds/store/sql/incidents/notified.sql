-- Note that people have heard of incidents, or that they are over.
-- In: incident_ids.
UPDATE incidents
SET notified_at = coalesce(notified_at, clock_timestamp()),
    recovery_notified_at = CASE WHEN resolved_at IS NOT NULL THEN clock_timestamp() END
WHERE incident_id = ANY (%(incident_ids)s::bigint[])
