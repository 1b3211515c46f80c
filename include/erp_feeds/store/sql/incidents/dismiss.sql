-- Dismiss an open incident: a person knows of it, and it counts no more until there is more of it.
-- In: incident_id, by, reason. Out: merchant; nothing where no such incident is open.
UPDATE incidents
SET dismissed_at = clock_timestamp(), dismissed_by = %(by)s, dismissed_reason = %(reason)s, dismissed_number = number,
    notified_at = coalesce(notified_at, clock_timestamp())
WHERE incident_id = %(incident_id)s AND resolved_at IS NULL
RETURNING merchant
