INSERT INTO rejects (file_id, record, code, reason) VALUES (4, 4, 'invalid_date', 'no date');
