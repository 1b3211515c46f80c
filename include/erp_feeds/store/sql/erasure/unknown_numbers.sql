-- Which of some SRS customer numbers no profile has.
-- In: merchant, numbers text[]. Out: number.
SELECT number
FROM unnest(%(numbers)s::text[]) AS number
WHERE NOT EXISTS (
    SELECT FROM identifiers
    WHERE identifiers.merchant = %(merchant)s AND identifiers.type = 'srs' AND identifiers.value = number
)
ORDER BY number
