-- The accounts of ERP parties on the FTPS server of erp-feeds.

-- name: create
-- A new account, or a disabled one opened again; no row where it is open already.
-- In: merchant, folder, password_hash, by. Out: version.
INSERT INTO ftps_accounts (merchant, folder, password_hash, changed_by)
VALUES (%(merchant)s, %(folder)s, %(password_hash)s, %(by)s)
ON CONFLICT (merchant) DO UPDATE SET
    folder = excluded.folder, password_hash = excluded.password_hash, version = ftps_accounts.version + 1,
    changed_at = clock_timestamp(), changed_by = excluded.changed_by, disabled_at = NULL
WHERE ftps_accounts.disabled_at IS NOT NULL
RETURNING version

-- name: rotate
-- A new password; the one before is good for some hours more, or for none.
-- In: merchant, folder, password_hash, keep_hours, version (null: whichever it is), by. Out: version; no row: none is open.
UPDATE ftps_accounts SET
    folder = %(folder)s, version = version + 1, password_hash = %(password_hash)s,
    previous_hash = CASE WHEN %(keep_hours)s::int > 0 THEN password_hash END,
    previous_until = CASE WHEN %(keep_hours)s::int > 0 THEN clock_timestamp() + %(keep_hours)s::int * interval '1 hour' END,
    changed_at = clock_timestamp(), changed_by = %(by)s
WHERE merchant = %(merchant)s AND disabled_at IS NULL AND version = coalesce(%(version)s::int, version)
RETURNING version

-- name: disable
-- In: merchant, by. Out: version; no row where none is open.
UPDATE ftps_accounts SET
    disabled_at = clock_timestamp(), changed_at = clock_timestamp(), changed_by = %(by)s, previous_hash = NULL,
    previous_until = NULL
WHERE merchant = %(merchant)s AND disabled_at IS NULL
RETURNING version

-- name: list
-- In: merchant or null: all. Out: as in the dataclass FtpsAccount, by name.
SELECT merchant, folder, version, created_at, changed_at, changed_by, disabled_at, last_login_at,
       CASE WHEN previous_until > clock_timestamp() THEN previous_until END AS previous_until
FROM ftps_accounts
WHERE %(merchant)s::text IS NULL OR merchant = %(merchant)s
ORDER BY merchant

-- name: find
-- What a login is checked against; no row where the account is not open. In: merchant.
-- Out: folder, version, its hash, the hash before (null: no longer good), whether the last login is noted for this hour.
SELECT folder, version, password_hash, CASE WHEN previous_until > clock_timestamp() THEN previous_hash END,
       coalesce(last_login_at > clock_timestamp() - interval '1 hour', false)
FROM ftps_accounts
WHERE merchant = %(merchant)s AND disabled_at IS NULL

-- name: good
-- The passwords that are good now. In: merchants. Out: merchant, version; two rows while the one before is good too.
SELECT merchant, version FROM ftps_accounts WHERE merchant = ANY(%(merchants)s::text[]) AND disabled_at IS NULL
UNION ALL
SELECT merchant, version - 1 FROM ftps_accounts
WHERE merchant = ANY(%(merchants)s::text[]) AND disabled_at IS NULL AND previous_until > clock_timestamp()

-- name: seen
-- Note a login. In: merchant.
UPDATE ftps_accounts SET last_login_at = clock_timestamp() WHERE merchant = %(merchant)s
