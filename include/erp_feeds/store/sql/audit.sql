-- Who looked at personal data, or changed something.

-- name: note
-- In: who, merchant, action, subject.
INSERT INTO audit_log (who, merchant, action, subject) VALUES (%(who)s, %(merchant)s, %(action)s, %(subject)s)

-- name: list
-- In: merchant; before: audit_id or null; max_rows. Out: as in the dataclass Entry, the latest first.
SELECT audit_id, at, who, merchant, action, subject
FROM audit_log
WHERE merchant = %(merchant)s AND (%(before)s::bigint IS NULL OR audit_id < %(before)s)
ORDER BY audit_id DESC
LIMIT %(max_rows)s
