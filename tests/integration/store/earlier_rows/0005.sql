INSERT INTO forgotten (merchant, digest, key_id) VALUES ('shop', 'x', 'k');
