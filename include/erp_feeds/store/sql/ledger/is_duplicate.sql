-- Whether these bytes are what the same name brought last; one that did not load does not count: what was refused and is
-- sent again, perhaps after a setting was corrected, deserves another try. Nor does what other bytes have followed since:
-- who takes a change back sends the bytes of before, and means them.
-- In: file_id, sha256. Out: one boolean.
SELECT EXISTS (
    SELECT FROM files
    JOIN files AS other USING (merchant, interface, name)
    WHERE files.file_id = %(file_id)s AND other.file_id <> files.file_id
      AND other.sha256 = %(sha256)s AND other.state IN ('archived', 'loaded')
      AND NOT EXISTS (
          SELECT FROM files AS later
          WHERE later.merchant = other.merchant AND later.interface = other.interface AND later.name = other.name
            AND later.revision > other.revision AND later.state IN ('archived', 'loaded')
            AND later.file_id <> files.file_id
      )
)
