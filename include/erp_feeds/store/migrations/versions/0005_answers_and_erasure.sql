-- Which rule of the domain linked an identifier to its profile, for example 'customers 2'; NULL: linked before this.
ALTER TABLE erp_feeds.identifiers ADD COLUMN rule text;
ALTER TABLE erp_feeds.email_matches ADD COLUMN rule text;

-- Inside the merchant's lock, so that it tells whether an account came before or after the load of another file.
ALTER TABLE erp_feeds.accounts ALTER COLUMN created_at SET DEFAULT clock_timestamp();

-- An order outlives its person, for the books: without profile, and without the hash that was made with number and e-mail.
ALTER TABLE erp_feeds.purchases ALTER COLUMN profile_id DROP NOT NULL;
COMMENT ON COLUMN erp_feeds.purchases.profile_id IS 'NULL: the person was forgotten';

-- When retention deleted the original; its URL stays, so that the ledger can say what it was.
ALTER TABLE erp_feeds.files ADD COLUMN archive_deleted_at timestamptz;

-- Identifiers that no load may bring back: HMAC-SHA-256 of kind and value, never the value.
CREATE TABLE erp_feeds.forgotten (
    merchant     text NOT NULL,
    digest       bytea NOT NULL,
    key_id       text NOT NULL,                 -- tells under which secret the digest was made
    forgotten_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (merchant, digest)
);

-- The store's own part of the key, one row: digests of two stores never look alike.
CREATE TABLE erp_feeds.forgotten_salt (
    salt bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
);
INSERT INTO erp_feeds.forgotten_salt DEFAULT VALUES;
