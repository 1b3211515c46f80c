-- Resolve the open incidents whose cause is gone. Nobody hears of a recovery who heard of no incident, nor where it was
-- dismissed, nor where a late feed is now missing, which is a cause of its own.
-- In: merchant; parallel arrays of interface, kind, code: the causes that are left.
WITH causes AS (
    SELECT * FROM unnest(%(interface)s::text[], %(kind)s::text[], %(code)s::text[]) AS each (interface, kind, code)
)
UPDATE incidents
SET resolved_at = clock_timestamp(),
    recovery_notified_at = CASE
        WHEN notified_at IS NULL OR dismissed_at IS NOT NULL OR kind IN ('late', 'missing') AND EXISTS (
            SELECT FROM causes WHERE causes.interface = incidents.interface AND causes.kind IN ('late', 'missing')
        ) THEN clock_timestamp()
    END
WHERE merchant = %(merchant)s AND resolved_at IS NULL AND kind <> 'failed_task' AND NOT EXISTS (
    SELECT FROM causes
    WHERE (causes.interface, causes.kind, causes.code)
          IS NOT DISTINCT FROM (incidents.interface, incidents.kind, incidents.code)
)
