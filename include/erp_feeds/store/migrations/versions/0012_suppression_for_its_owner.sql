-- Row security without any policy, as on rejected_records: a grant on all tables of the schema, or membership in
-- pg_read_all_data, does not open the digests of suppressed people, nor the salt that a guess would need.
ALTER TABLE erp_feeds.forgotten ENABLE ROW LEVEL SECURITY;
ALTER TABLE erp_feeds.forgotten_salt ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON erp_feeds.forgotten, erp_feeds.forgotten_salt FROM PUBLIC;
