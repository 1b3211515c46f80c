-- What analysts read, by the role erp_feeds_reader: stable names, documented columns. No names, addresses, telephone
-- numbers, birthdates or custom fields: a person is a profile_id.
CREATE VIEW erp_feeds.analyst_profiles AS
SELECT merchant, profile_id, gender, extract(year FROM birthdate)::int AS birth_year, country, language, currency,
    newsletter, service, marketing, email IS NOT NULL AS has_email, phone IS NOT NULL AS has_phone,
    created_at, updated_at
FROM erp_feeds.profiles;
COMMENT ON VIEW erp_feeds.analyst_profiles IS 'One row a person of a merchant, as far as it may be known without naming them.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.merchant IS 'Name of the merchant file.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.profile_id IS 'The person; analyst_purchases has it too.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.gender IS 'As mapped; NULL where unknown.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.birth_year IS 'Year of birth; NULL where unknown.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.country IS 'ISO 3166-1 code of two letters.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.language IS 'Language code as mapped.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.newsletter IS 'Wants the newsletter; NULL where no file said.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.service IS 'Agrees to service messages; NULL where no file said.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.marketing IS 'Agrees to marketing; NULL where no file said.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.has_email IS 'Whether an e-mail address is known.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.has_phone IS 'Whether a telephone number is known.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.created_at IS 'When the profile was first written.';
COMMENT ON COLUMN erp_feeds.analyst_profiles.updated_at IS 'When a field of it last changed.';

CREATE VIEW erp_feeds.analyst_purchases AS
SELECT merchant, purchase_id, kind, channel, profile_id, branch, local_time, occurred_at, currency, total, line_count,
    created_at, updated_at
FROM erp_feeds.purchases;
COMMENT ON VIEW erp_feeds.analyst_purchases IS 'One row an order or return.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.merchant IS 'Name of the merchant file.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.purchase_id IS 'With merchant the key; analyst_purchase_lines has it too.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.kind IS '''order'' or ''return'', by the signs of its lines.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.channel IS 'Where it was bought, as the export says.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.profile_id IS 'Who bought; NULL where the receipt names nobody.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.branch IS 'Branch, as the export says.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.local_time IS 'Date and time as written in the export, in the merchant''s zone.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.occurred_at IS 'The same moment with its zone.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.currency IS 'ISO 4217 code of total and of the lines.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.total IS 'Sum of the lines; of a return negative.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.line_count IS 'Number of its lines.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.created_at IS 'When it was first loaded.';
COMMENT ON COLUMN erp_feeds.analyst_purchases.updated_at IS 'When it last changed.';

CREATE VIEW erp_feeds.analyst_purchase_lines AS
SELECT merchant, purchase_id, line_no, sku, description, quantity, amount
FROM erp_feeds.purchase_lines;
COMMENT ON VIEW erp_feeds.analyst_purchase_lines IS 'One row a line of an order or return.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.merchant IS 'Name of the merchant file.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.purchase_id IS 'The order or return.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.line_no IS 'Position within it, from 1.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.sku IS 'Article number.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.description IS 'Name of the article.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.quantity IS 'Number of pieces; negative where they came back.';
COMMENT ON COLUMN erp_feeds.analyst_purchase_lines.amount IS 'Money of the line; negative where it was paid back.';

CREATE VIEW erp_feeds.analyst_files AS
SELECT merchant, interface, name, day, state, code, first_seen_at, archived_at, finished_at
FROM erp_feeds.files;
COMMENT ON VIEW erp_feeds.analyst_files IS 'One row a file that was ever seen: how fresh and complete the other views are.';
COMMENT ON COLUMN erp_feeds.analyst_files.merchant IS 'Name of the merchant file.';
COMMENT ON COLUMN erp_feeds.analyst_files.interface IS 'Kind of file, such as srs_purchases.';
COMMENT ON COLUMN erp_feeds.analyst_files.name IS 'File name as delivered.';
COMMENT ON COLUMN erp_feeds.analyst_files.day IS 'Day that the file is of, in the merchant''s zone.';
COMMENT ON COLUMN erp_feeds.analyst_files.state IS 'Where it stands: see docs/operations.md, the states of a file.';
COMMENT ON COLUMN erp_feeds.analyst_files.code IS 'Why it was quarantined or waits: see docs/runbook.md.';
COMMENT ON COLUMN erp_feeds.analyst_files.first_seen_at IS 'When a scan first found it.';
COMMENT ON COLUMN erp_feeds.analyst_files.archived_at IS 'When its original was archived.';
COMMENT ON COLUMN erp_feeds.analyst_files.finished_at IS 'When it was loaded or quarantined.';

COMMENT ON TABLE erp_feeds.profiles IS 'People. Personal data.';
COMMENT ON TABLE erp_feeds.identifiers IS 'Numbers and addresses that lead to a profile, with the file, record and rule that linked them. Personal data.';
COMMENT ON TABLE erp_feeds.purchases IS 'Orders and returns, as last delivered.';
COMMENT ON TABLE erp_feeds.purchase_lines IS 'Their lines.';
COMMENT ON VIEW erp_feeds.orders IS 'Purchases that are orders.';
COMMENT ON VIEW erp_feeds.returns IS 'Purchases that are returns.';
COMMENT ON TABLE erp_feeds.accounts IS 'B2B customers of the ERP cache: price list and invoice debtor.';
COMMENT ON TABLE erp_feeds.files IS 'The ledger: every file that was ever seen, and what became of it.';
COMMENT ON TABLE erp_feeds.file_runs IS 'What each run made of a file.';
COMMENT ON VIEW erp_feeds.file_drift IS 'Elements of a file that were unknown, new or missing.';
COMMENT ON VIEW erp_feeds.replaced_files IS 'Which file took the place of which.';
COMMENT ON TABLE erp_feeds.rejects IS 'Why a record was rejected, until it is resolved.';
COMMENT ON TABLE erp_feeds.rejected_records IS 'Rejected records as delivered. Personal data.';
COMMENT ON TABLE erp_feeds.email_matches IS 'Records that were led to a profile by an e-mail address. Personal data.';
COMMENT ON TABLE erp_feeds.email_conflicts IS 'E-mail addresses that lead to several profiles. Personal data.';
COMMENT ON TABLE erp_feeds.mappings IS 'Each mapping of elements to fields that ever loaded a file.';
COMMENT ON TABLE erp_feeds.suppressed IS 'Hashes by which people who were erased stay out.';
COMMENT ON TABLE erp_feeds.suppression_salt IS 'The part of the key of those hashes that lies in the store.';
COMMENT ON TABLE erp_feeds.incidents IS 'What is or was open, of which people hear once.';
COMMENT ON TABLE erp_feeds.inbox_scans IS 'When each inbox was last scanned.';
