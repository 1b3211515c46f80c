-- Tokens of machines that ask for accounts.

-- name: create
-- In: merchant, name, sha256, created_by, days or null. Out: token_id.
INSERT INTO account_tokens (merchant, name, sha256, created_by, expires_at)
VALUES (%(merchant)s, %(name)s, %(sha256)s, %(created_by)s, clock_timestamp() + %(days)s::int * interval '1 day')
RETURNING token_id

-- name: find
-- The token of a hash, if it is good for a merchant. In: sha256, merchant.
-- Out: token_id, and whether its last use is noted for this hour.
SELECT token_id, coalesce(last_used_at > clock_timestamp() - interval '1 hour', false)
FROM account_tokens
WHERE sha256 = %(sha256)s AND merchant = %(merchant)s AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: list
-- In: merchant or null: all. Out: as in the dataclass Token, the latest first.
SELECT token_id, merchant, name, created_at, created_by, expires_at, revoked_at, last_used_at
FROM account_tokens
WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
ORDER BY token_id DESC

-- name: revoke
-- In: token_id. Out: merchant and name; no row where no such token is good.
UPDATE account_tokens SET revoked_at = clock_timestamp()
WHERE token_id = %(token_id)s AND revoked_at IS NULL
RETURNING merchant, name

-- name: used
-- Note that a token was used. In: token_id.
UPDATE account_tokens SET last_used_at = clock_timestamp() WHERE token_id = %(token_id)s
