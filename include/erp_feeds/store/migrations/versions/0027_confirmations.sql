-- Rows that a newer file brought as they were. They are not written: what they say of their newest write, the base here, is
-- put right only where that counts, before an older file is loaded. The arrays are parallel.
CREATE TABLE erp_feeds.confirmations (
    merchant     text NOT NULL,
    table_name   text NOT NULL,
    sequence     numeric NOT NULL,                        -- of the file that confirms
    file_id      bigint NOT NULL REFERENCES erp_feeds.files,
    keys         text[] NOT NULL,                         -- of the rows
    records      int[] NOT NULL,                          -- that confirm them
    base_files   bigint[] NOT NULL,                       -- newest write of the rows at that time: its file
    base_records int[] NOT NULL                           -- and its record
);
CREATE INDEX confirmations_table ON erp_feeds.confirmations (merchant, table_name, sequence);
CREATE INDEX confirmations_file ON erp_feeds.confirmations (file_id);
COMMENT ON TABLE erp_feeds.confirmations IS 'Rows that newer files brought as they were, not yet noted in the rows.';
