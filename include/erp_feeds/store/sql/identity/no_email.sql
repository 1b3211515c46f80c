-- Numbers that this file brought first, and without an e-mail: such profiles cannot be mailed (rule: customers 3).
-- Asked so that a replay counts the same. In: resolved; merchant; file_id. Out: one number.
-- By the primary key, number for number: a join goes by what is known of the rows of a file, and of a new one that is
-- nothing, so that it would group the whole file anew for each of them.
SELECT count(*)
FROM (SELECT number FROM resolved WHERE number IS NOT NULL GROUP BY number HAVING count(email) = 0) AS silent
WHERE {file_id} = (
    SELECT file_id FROM identifiers WHERE merchant = {merchant} AND type = 'srs' AND value = silent.number
)
