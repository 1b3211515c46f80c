-- The records of one file, for rows that are written field by field. NULL: not delivered; cleared names the fields that
-- are emptied, as ',a,b,'; key and number as in the frames of the steps.
-- In: incoming: the name of the temporary table; columns: those that table has too, with its types.
CREATE TEMP TABLE {incoming} ON COMMIT DROP AS
SELECT 0 AS record, NULL::text AS key, NULL::text AS number, {columns}, NULL::text AS cleared
FROM {table}
LIMIT 0
