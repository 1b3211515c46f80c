-- The login of each merchant's ERP party on the FTPS server of erp-feeds. Its name is the merchant's; passwords are kept as
-- scrypt hashes only.
CREATE TABLE erp_feeds.ftps_accounts (
    merchant       text PRIMARY KEY,
    folder         text NOT NULL,                   -- below the server's home: this login's root
    version        int NOT NULL DEFAULT 1,          -- of the password
    password_hash  text NOT NULL,
    previous_hash  text,                            -- of the password before, while it is good
    previous_until timestamptz,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by     text NOT NULL,
    disabled_at    timestamptz,
    last_login_at  timestamptz,                     -- to the hour
    CHECK (folder NOT IN ('', '/')),
    CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);
REVOKE ALL ON erp_feeds.ftps_accounts FROM PUBLIC;
