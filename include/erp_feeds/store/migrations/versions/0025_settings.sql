-- The settings of merchants whose file says `settings: store`: each change is a new revision, and none is ever altered.
CREATE TABLE erp_feeds.settings_revisions (
    merchant text NOT NULL,
    revision int NOT NULL CHECK (revision > 0),     -- counts up by one
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    author   text NOT NULL,                         -- the user's name in Airflow, or the shell's
    message  text NOT NULL DEFAULT '',
    document jsonb NOT NULL,                        -- interfaces, and what fills their fields
    PRIMARY KEY (merchant, revision)
);
COMMENT ON TABLE erp_feeds.settings_revisions IS 'Settings that the pages edit: every revision, with its author.';

CREATE FUNCTION erp_feeds.keep_revisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a revision of settings is never changed: save a new one';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON erp_feeds.settings_revisions
    EXECUTE FUNCTION erp_feeds.keep_revisions();

-- The latest loaded file of an interface, and the ones before it.
CREATE INDEX files_loaded ON erp_feeds.files (merchant, interface, sequence, file_id) WHERE state = 'loaded';
