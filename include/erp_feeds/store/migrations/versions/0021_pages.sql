-- Who looked at personal data on the pages, or changed something there. Ids and names of files only: no personal data.
CREATE TABLE erp_feeds.audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    who      text NOT NULL,                         -- the user's name in Airflow, or the shell's
    merchant text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL DEFAULT ''
);
CREATE INDEX audit_log_merchant ON erp_feeds.audit_log (merchant, audit_id);

-- Tokens of machines that may ask for accounts of one merchant, and nothing else. Only the hash of each is kept.
CREATE TABLE erp_feeds.account_tokens (
    token_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant     text NOT NULL,
    name         text NOT NULL,                     -- of who uses it
    sha256       bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by   text NOT NULL,
    expires_at   timestamptz,                       -- NULL: never
    revoked_at   timestamptz,
    last_used_at timestamptz                        -- to the hour
);
ALTER TABLE erp_feeds.account_tokens ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON erp_feeds.account_tokens FROM PUBLIC;

-- The latest files of a merchant, page by page.
CREATE INDEX files_latest ON erp_feeds.files (merchant, file_id);

-- People by phone number, and by the beginning of their name.
CREATE INDEX profiles_phone ON erp_feeds.profiles (merchant, phone) WHERE phone IS NOT NULL;
CREATE INDEX profiles_lastname ON erp_feeds.profiles (merchant, lower(lastname) text_pattern_ops)
    WHERE lastname IS NOT NULL;
CREATE INDEX profiles_name ON erp_feeds.profiles (merchant, lower(firstname || ' ' || lastname) text_pattern_ops)
    WHERE firstname IS NOT NULL AND lastname IS NOT NULL;
