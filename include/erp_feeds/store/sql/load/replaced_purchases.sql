-- What this file brought when it was loaded before and brings no more: records that now have another id or class, or that
-- are skipped or refused (rule: purchases 6). A row that another file has written since is that file's, and that of
-- somebody who was suppressed has nobody's name and stays. Profiles stay, and so does to whom an address led.
-- In: incoming_purchases; merchant; file_id. Out: purchases, purchase_lines.
WITH removed AS (
    DELETE FROM purchases AS old
    WHERE old.merchant = {merchant} AND old.file_id = {file_id} AND old.profile_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM incoming_purchases AS new WHERE new.purchase_id = old.purchase_id)
    RETURNING old.purchase_id
)
DELETE FROM purchase_lines AS line
USING removed
WHERE line.merchant = {merchant} AND line.purchase_id = removed.purchase_id
