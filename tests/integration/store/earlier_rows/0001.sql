INSERT INTO files (merchant, interface, name, size, modified, path, index_number, state, archived_at, finished_at, counts)
SELECT 'shop', 'srs_customers', 'Shop_SRS_Customers_' || i || '.zip', i, '2017-01-01Z', '/srs/' || i, i,
       (ARRAY['seen', 'archived', 'waiting', 'loaded', 'quarantined', 'duplicate', 'vanished', 'vanished'])[i],
       clock_timestamp(), CASE WHEN i = 8 THEN clock_timestamp() END, '{"read": 1, "elements": {"Email": 1}, "unknown": {"Shoe": 1}}'
FROM generate_series(1, 8) AS i;
INSERT INTO file_runs (file_id, run_id, state, counts) VALUES (4, 'run', 'loaded', '{}'), (5, 'run', 'quarantined', '{}');
INSERT INTO profiles (merchant, email, sequence, file_id, record) VALUES ('shop', 'a@example.com', 4.0001, 4, 1);
INSERT INTO identifiers VALUES ('shop', 'srs', '1', 1, 4, 1);
INSERT INTO email_matches VALUES (4, 2, 'a@example.com', 1);
INSERT INTO purchases (merchant, purchase_id, kind, channel, profile_id, sequence, file_id, record)
VALUES ('shop', '1', 'order', 'online', 1, 1, 4, 1), ('shop', '2', 'return', 'offline', 1, 1, 4, 2);
INSERT INTO purchase_lines (merchant, purchase_id, line_no, amount) VALUES ('shop', '1', 1, 9.95);
INSERT INTO accounts (merchant, account_number, sequence, file_id, record) VALUES ('shop', 'A', 1, 4, 1);
INSERT INTO rejects (file_id, record, code, reason, raw) VALUES (4, 3, 'invalid_email', 'no @', '<x/>');
