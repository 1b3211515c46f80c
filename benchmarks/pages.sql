-- A store as large as a merchant's becomes: a year of files, many people, accounts and open rejects.
-- In: {files}, {profiles}: how many.
INSERT INTO files (merchant, interface, name, size, modified, path, index_number, sequence, day, state, counts, first_seen_at,
                   finished_at, run_id, revision)
SELECT 'testshop', (ARRAY['srs_customers', 'srs_purchases', 'erp_cache_customers'])[1 + i % 3], 'TestShop_' || i || '.zip', 1000,
       at, '/f/' || i, i, i, at::date, CASE WHEN i % 1000 = 0 THEN 'quarantined' ELSE 'loaded' END,
       jsonb_build_object(
           'read', 100, 'loaded', 98, 'elements', '{{"Email": 100, "City": 90}}'::jsonb,
           'rejected', CASE WHEN i % 50 = 0 THEN '{{"missing_field": 1}}' ELSE '{{}}' END::jsonb,
           'unknown', CASE WHEN i % 10 = 0 THEN '{{"Shoe": 7}}' ELSE '{{}}' END::jsonb),
       at, at + interval '40 s', 'run' || i / 10, 1
FROM generate_series(1, {files}) AS i
CROSS JOIN LATERAL (SELECT now() - ({files} - i) * interval '365 days' / {files} AS at) AS moment;
UPDATE files SET code = 'not_a_zip', reason = 'not a zip' WHERE state = 'quarantined';

INSERT INTO file_runs (file_id, run_id, at, state, counts, code)
SELECT file_id, run_id, finished_at, state, counts, code FROM files;

INSERT INTO rejects (file_id, record, code, reason, run_id)
SELECT file_id, 1, 'missing_field', 'Email is missing', run_id FROM files WHERE counts -> 'rejected' ? 'missing_field';

INSERT INTO profiles (profile_id, merchant, email, firstname, lastname, phone, sequence, file_id, record)
SELECT i, 'testshop', 'p' || i || '@example.com', 'Jane', 'Doe' || i % 50000, '06' || i, 1, 1 + i % {files}, 1
FROM generate_series(1, {profiles}) AS i;
INSERT INTO identifiers (merchant, type, value, profile_id, file_id, record, rule)
SELECT merchant, 'srs', profile_id::text, profile_id, file_id, 1, 'customers 3' FROM profiles;

INSERT INTO accounts (merchant, account_number, price_list_name, invoice_to, sequence, file_id, record)
SELECT 'testshop', i::text, 'A', CASE WHEN i % 10 = 0 THEN (i + 1)::text END, 1, 3, 1
FROM generate_series(1, {profiles} / 10) AS i;
