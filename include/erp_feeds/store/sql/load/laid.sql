-- One write per row: the records of the file that belong to it, laid over each other in file order, field by field.
-- Rules: customers 6 (the last record wins field by field) and 10 (missing keeps), ERP cache 5.
-- In:  records: a query with the key, record, the fields, cleared; keys: the table that says which record has which key;
--      key: its name; the lists of fields and what becomes of them, made by versioned.py.
-- Out: key, record (the last), the fields, cleared.
WITH several AS MATERIALIZED (
    SELECT {key} FROM {keys} GROUP BY {key} HAVING count(*) > 1
), records AS NOT MATERIALIZED (
    {records}
)
SELECT {key}, record, {columns}, cleared
FROM records
WHERE {key} NOT IN (SELECT {key} FROM several)
UNION ALL
SELECT {key}, max(record), {last_values}, nullif(',' || concat_ws(',', {emptied}) || ',', ',,')
FROM records AS new
WHERE {key} IN (SELECT {key} FROM several)
GROUP BY {key}
