-- Whether earlier files of an interface have open rejects, and whether newer ones are loaded: mostly neither.
-- In: merchant; interface; sequence; file_id. Out: two booleans.
SELECT
    EXISTS (
        SELECT FROM rejects
        JOIN files USING (file_id)
        WHERE resolved_at IS NULL AND merchant = {merchant} AND interface = {interface} AND file_id <> {file_id}
    ),
    EXISTS (
        SELECT FROM files
        WHERE merchant = {merchant} AND interface = {interface} AND state = 'loaded'
          AND (sequence, file_id) > ({sequence}, {file_id})
    )
