-- The store's first tables. Every row belongs to one merchant and says which file, and which record of it, wrote it last.
-- sequence = index number + revision / 10000: orders the files of one interface.

-- The ledger: every file ever sighted.
CREATE TABLE erp_feeds.files (
    file_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant     text NOT NULL,
    interface    text NOT NULL,
    name         text NOT NULL,
    size         bigint NOT NULL,
    modified     timestamptz NOT NULL,          -- as the server listed it
    path         text NOT NULL DEFAULT '',      -- where the server keeps it
    index_number numeric NOT NULL,
    revision     int,                           -- 1, 2, ...: other bytes under the same name
    sequence     numeric,
    day          date,                          -- the day a backfill finds it by
    sha256       text,
    archived     text,                          -- URL of the original bytes
    state        text NOT NULL DEFAULT 'seen'
                 CHECK (state IN ('seen', 'archived', 'waiting', 'loaded', 'quarantined', 'duplicate', 'vanished')),
    code         text,
    reason       text,
    counts       jsonb NOT NULL DEFAULT '{}',
    attempts     int NOT NULL DEFAULT 0,        -- fetches that found it incomplete
    run_id       text,                          -- the run that brought it into its state
    seen_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempted_at timestamptz,                   -- the latest fetch that found it incomplete
    archived_at  timestamptz,
    finished_at  timestamptz,
    UNIQUE (merchant, interface, name, size, modified)
);
CREATE INDEX files_merchant_state ON erp_feeds.files (merchant, state);
CREATE INDEX files_merchant_day ON erp_feeds.files (merchant, day);

-- Every run that processed a file, replays too.
CREATE TABLE erp_feeds.file_runs (
    file_id bigint NOT NULL REFERENCES erp_feeds.files,
    run_id  text NOT NULL,
    state   text NOT NULL,
    counts  jsonb NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (file_id, run_id)
);
CREATE INDEX file_runs_run ON erp_feeds.file_runs (run_id);

-- Records refused, with why and as they were delivered.
CREATE TABLE erp_feeds.rejects (
    file_id bigint NOT NULL REFERENCES erp_feeds.files,
    record  int NOT NULL,
    code    text NOT NULL,
    field   text NOT NULL DEFAULT '',
    line    int,
    reason  text NOT NULL,
    raw     text,
    PRIMARY KEY (file_id, record, code, field)
);

-- People. origins: field -> [sequence, file, record] of each field that the row's latest write did not bring,
-- and of each field that was emptied; a filled field that is absent there came with the latest write.
CREATE SEQUENCE erp_feeds.profile_ids;
CREATE TABLE erp_feeds.profiles (
    profile_id bigint PRIMARY KEY DEFAULT nextval('erp_feeds.profile_ids'),
    merchant   text NOT NULL,
    email      text,
    firstname  text,
    lastname   text,
    gender     text,
    birthdate  date,
    phone      text,
    postcode   text,
    city       text,
    country    text,
    language   text,
    currency   text,
    newsletter boolean,                         -- NULL: never said
    custom     jsonb NOT NULL DEFAULT '{}',
    sequence   numeric NOT NULL,                -- 0: made by a purchase, so that any customers file may fill it
    file_id    bigint NOT NULL,
    record     int NOT NULL,
    origins    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (merchant, email) DEFERRABLE INITIALLY DEFERRED  -- two profiles may swap their addresses
);
ALTER SEQUENCE erp_feeds.profile_ids OWNED BY erp_feeds.profiles.profile_id;

-- External identifiers; a profile may hold several.
CREATE TABLE erp_feeds.identifiers (
    merchant   text NOT NULL,
    type       text NOT NULL,
    value      text NOT NULL,
    profile_id bigint NOT NULL REFERENCES erp_feeds.profiles,
    file_id    bigint NOT NULL,
    record     int NOT NULL,
    PRIMARY KEY (merchant, type, value)
);
CREATE INDEX identifiers_profile ON erp_feeds.identifiers (profile_id);

-- Which profile a record without a number found by its e-mail: a replay finds the same, even when the address has moved.
CREATE TABLE erp_feeds.email_matches (
    file_id    bigint NOT NULL,
    record     int NOT NULL,
    email      text NOT NULL,
    profile_id bigint NOT NULL REFERENCES erp_feeds.profiles,
    PRIMARY KEY (file_id, record)
);
CREATE INDEX email_matches_profile ON erp_feeds.email_matches (profile_id);

-- Orders and returns.
CREATE TABLE erp_feeds.purchases (
    merchant       text NOT NULL,
    purchase_id    text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('order', 'return')),
    channel        text NOT NULL CHECK (channel IN ('online', 'offline')),
    profile_id     bigint NOT NULL REFERENCES erp_feeds.profiles,
    order_number   text,
    receipt_number text,
    branch         text,
    local_time     text,                        -- as delivered
    occurred_at    timestamptz,
    currency       text,
    total          numeric(14,2),
    line_count     int,
    content_hash   text,
    sequence       numeric NOT NULL,
    file_id        bigint NOT NULL,
    record         int NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant, purchase_id)
);
CREATE INDEX purchases_profile ON erp_feeds.purchases (profile_id);
CREATE INDEX purchases_order_number ON erp_feeds.purchases (merchant, order_number) WHERE order_number IS NOT NULL;

-- Written and removed only together with their purchase, hence no foreign key to check row by row.
CREATE TABLE erp_feeds.purchase_lines (
    merchant    text NOT NULL,
    purchase_id text NOT NULL,
    line_no     int NOT NULL,
    sku         text,
    description text,
    quantity    numeric(14,3),
    amount      numeric(14,2),
    PRIMARY KEY (merchant, purchase_id, line_no)
);

CREATE VIEW erp_feeds.orders AS SELECT * FROM erp_feeds.purchases WHERE kind = 'order';
CREATE VIEW erp_feeds.returns AS SELECT * FROM erp_feeds.purchases WHERE kind = 'return';

-- B2B accounts of the ERP cache.
CREATE TABLE erp_feeds.accounts (
    merchant                    text NOT NULL,
    account_number              text NOT NULL,
    price_list_name             text,
    invoice_to                  text,
    delivery_scheme_code        text,
    cumulative_sales_volume     numeric(18,2),
    cash_back                   numeric(18,2),
    cash_back_calculate_to_date date,
    discount_percentage         numeric(5,2),
    sequence                    numeric NOT NULL,
    file_id                     bigint NOT NULL,
    record                      int NOT NULL,
    origins                     jsonb NOT NULL DEFAULT '{}',
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant, account_number)
);
CREATE INDEX accounts_invoice_to ON erp_feeds.accounts (merchant, invoice_to) WHERE invoice_to IS NOT NULL;
