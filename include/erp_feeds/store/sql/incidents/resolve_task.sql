-- Resolve the incidents of failed tasks, since a run has got through them.
-- In: merchant, tasks.
UPDATE incidents
SET resolved_at = clock_timestamp(),
    recovery_notified_at = CASE WHEN notified_at IS NULL OR dismissed_at IS NOT NULL THEN clock_timestamp() END
WHERE merchant = %(merchant)s AND kind = 'failed_task' AND code = ANY (%(tasks)s::text[]) AND resolved_at IS NULL
