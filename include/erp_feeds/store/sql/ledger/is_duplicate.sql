-- Whether another sighting of the same name brought these bytes; one that did not load does not count: what was
-- refused and is sent again, perhaps after a setting was mended, deserves another try.
-- In: file_id, sha256. Out: one boolean.
SELECT EXISTS (
    SELECT FROM files
    JOIN files AS other USING (merchant, interface, name)
    WHERE files.file_id = %(file_id)s AND other.file_id <> files.file_id
      AND other.sha256 = %(sha256)s AND other.state NOT IN ('vanished', 'waiting', 'quarantined')
)
