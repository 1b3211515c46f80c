-- Incidents, as in the dataclass Incident.
-- In:  merchant or null: all; pending: those of which nobody has heard yet, or not that they are over; else those that are
--      open, the dismissed ones too where asked.
-- Out: by merchant, then the oldest first.
SELECT incident_id, merchant, interface, kind, code, number, since, reason, run_id, examples, opened_at, resolved_at,
       dismissed_at, dismissed_by, dismissed_reason
FROM incidents
WHERE (%(merchant)s::text IS NULL OR merchant = %(merchant)s)
  AND CASE
          WHEN %(pending)s THEN recovery_notified_at IS NULL AND dismissed_at IS NULL
                                AND (resolved_at IS NOT NULL) = (notified_at IS NOT NULL)
          ELSE resolved_at IS NULL AND (%(with_dismissed)s OR dismissed_at IS NULL)
      END
ORDER BY merchant, opened_at, incident_id
