-- The settings of merchants whose file says `settings: store`; a revision is never changed.

-- name: find
-- In: merchant; revision or null: the latest. Out: as in the dataclass Revision; no row where there is none.
SELECT merchant, revision, at, author, message, document
FROM settings_revisions
WHERE merchant = %(merchant)s AND (%(revision)s::int IS NULL OR revision = %(revision)s)
ORDER BY revision DESC
LIMIT 1

-- name: latest
-- In: merchants text[]. Out: as in the dataclass Revision, the latest of each that has one.
SELECT DISTINCT ON (merchant) merchant, revision, at, author, message, document
FROM settings_revisions
WHERE merchant = ANY (%(merchants)s::text[])
ORDER BY merchant, revision DESC

-- name: list
-- In: merchant; before: a revision or null; max_rows. Out: as in the dataclass Revision, the latest first.
SELECT merchant, revision, at, author, message, document
FROM settings_revisions
WHERE merchant = %(merchant)s AND (%(before)s::int IS NULL OR revision < %(before)s)
ORDER BY revision DESC
LIMIT %(max_rows)s

-- name: save
-- In: merchant, revision, author, message, document. Out: its row; none where somebody has saved this revision.
INSERT INTO settings_revisions (merchant, revision, author, message, document)
VALUES (%(merchant)s, %(revision)s, %(author)s, %(message)s, %(document)s::jsonb)
ON CONFLICT DO NOTHING
RETURNING merchant, revision, at, author, message, document
