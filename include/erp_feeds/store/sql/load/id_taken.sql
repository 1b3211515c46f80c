-- Refuse purchases that would share an id with another purchase: an online order, a return and a receipt may read alike
-- by their numbers (rule: purchases 11). Whoever came first keeps the id, in this file or before it; what this file
-- brought itself gives way, since it is replaced.
-- In: incoming_purchases; merchant; file_id; code. Out: they move from there to incoming_rejects; their number.
WITH first AS (
    SELECT DISTINCT ON (purchase_id) purchase_id, channel, order_number
    FROM incoming_purchases
    ORDER BY purchase_id, record
), holders AS (
    SELECT purchase_id, coalesce(old.channel, first.channel) AS channel,
           CASE WHEN old.channel IS NULL THEN first.order_number ELSE old.order_number END AS order_number
    FROM first
    LEFT JOIN (
        SELECT purchase_id, channel, order_number
        FROM purchases
        WHERE merchant = {merchant} AND (file_id <> {file_id} OR profile_id IS NULL)
    ) AS old USING (purchase_id)
), refused AS (
    DELETE FROM incoming_purchases AS new
    USING holders
    WHERE holders.purchase_id = new.purchase_id
      AND (new.channel, new.order_number) IS DISTINCT FROM (holders.channel, holders.order_number)
    RETURNING new.record, new.key
), kept AS (
    INSERT INTO incoming_rejects (record, code, reason, key)
    SELECT record, {code}, 'another purchase has the id that this one would have', key
    FROM refused
)
SELECT count(*) FROM refused
