-- The keys of the purchases that this load takes, as the steps name them for refused ones: the moment belongs to an
-- order number, because a return bears the number of its order. In: incoming_purchases.
SELECT CASE WHEN channel = 'online' THEN order_number || '@' || local_time
            ELSE regexp_replace(purchase_id, '~[0-9]+$', '') END
FROM incoming_purchases
