-- How many rows of one merchant each mapping has filled, the most recent mapping first.
-- In:  merchant. Out: table, version (null: before versions were kept), interface, first_used_at, links, rows.
SELECT counted."table", counted.version, mappings.interface, mappings.first_used_at, mappings.links, counted.rows
FROM (
    SELECT 'profiles' AS "table", mapping_version AS version, count(*) AS rows
    FROM profiles WHERE merchant = %(merchant)s GROUP BY mapping_version
    UNION ALL
    SELECT 'purchases', mapping_version, count(*)
    FROM purchases WHERE merchant = %(merchant)s GROUP BY mapping_version
) AS counted
LEFT JOIN mappings ON mappings.merchant = %(merchant)s AND mappings.version = counted.version
ORDER BY counted."table", mappings.first_used_at DESC NULLS LAST, counted.version
