-- Whether any reject of an interface is open. In: merchant; interface. Out: one boolean.
SELECT EXISTS (
    SELECT FROM rejects
    JOIN files USING (file_id)
    WHERE closed_at IS NULL AND merchant = {merchant} AND interface = {interface}
)
