INSERT INTO mappings VALUES ('shop', 'srs_customers', 'v1', '[]');
