-- Numbers that this file brought first, and without an e-mail: such profiles cannot be mailed (rule: customers 3).
-- Asked so that a replay counts the same. In: resolved; merchant; file_id. Out: one number.
SELECT count(*)
FROM (SELECT number FROM resolved WHERE number IS NOT NULL GROUP BY number HAVING count(email) = 0) AS silent
JOIN identifiers ON identifiers.merchant = {merchant} AND identifiers.type = 'srs' AND identifiers.value = silent.number
WHERE identifiers.file_id = {file_id}
