-- When the latest file of each interface came. One whose bytes were known is no new one.
-- In:  merchant.
-- Out: interface, last.
SELECT interface, max(seen_at) AS last
FROM files
WHERE merchant = %(merchant)s AND state NOT IN ('duplicate', 'vanished')
GROUP BY interface
