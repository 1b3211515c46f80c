-- Where the store keeps what a record brought: the rows of its keys, whoever wrote them last.
-- In:  merchant, file_id, record; each or null: number, email, purchase_id, account_number, as the steps made them.
-- Out: one row, as in the dataclass RecordRows; null where there is no such row.
-- A receipt may have got a suffix beside another basket of an earlier file (rule: purchases 7): its own row comes first.
WITH bought AS (
    SELECT purchase_id, profile_id FROM purchases
    WHERE merchant = %(merchant)s AND purchase_id IN (
        SELECT %(purchase_id)s::text
        UNION ALL SELECT %(purchase_id)s::text || '~' || later FROM generate_series(2, 99) AS later
    )
    ORDER BY (file_id, record) = (%(file_id)s::bigint, %(record)s::int) DESC, purchase_id
    LIMIT 1
)
SELECT
    (SELECT purchase_id FROM bought) AS purchase_id,
    coalesce(
        (SELECT profile_id FROM bought),
        (SELECT profile_id FROM identifiers WHERE merchant = %(merchant)s AND type = 'srs' AND value = %(number)s),
        (SELECT profile_id FROM email_matches WHERE file_id = %(file_id)s AND record = %(record)s),
        (
            SELECT profile_id FROM profiles
            WHERE merchant = %(merchant)s AND email = %(email)s AND %(number)s::text IS NULL
        )
    ) AS profile_id,
    (SELECT account_number FROM accounts WHERE merchant = %(merchant)s AND account_number = %(account_number)s) AS account_number
