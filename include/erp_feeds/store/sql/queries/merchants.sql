-- Every merchant that has sent a file.
-- In:  nothing. Out: merchant.
SELECT DISTINCT merchant FROM files ORDER BY merchant
