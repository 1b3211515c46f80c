-- Refuse offline purchases whose class flips against the stored one (rule: purchases 6), before they do anything else.
-- The same file read again, for example with other excluded articles, may flip its own.
-- In: incoming_purchases; merchant; file_id. Out: they move from incoming_purchases to incoming_rejects; their number.
WITH refused AS (
    DELETE FROM incoming_purchases AS new
    USING purchases AS old
    WHERE old.merchant = {merchant} AND old.purchase_id = new.purchase_id AND new.channel = 'offline'
      AND old.kind <> new.kind AND old.file_id <> {file_id}
    RETURNING new.record, new.purchase_id, new.kind, old.kind AS stored
), kept AS (
    INSERT INTO incoming_rejects (record, code, reason, key)
    SELECT record, {code}, 'this receipt is stored as ' || stored || ' and cannot become ' || kind,
           regexp_replace(purchase_id, '~[0-9]+$', '')
    FROM refused
)
SELECT count(*) FROM refused
