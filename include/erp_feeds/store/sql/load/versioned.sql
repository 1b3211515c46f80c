-- Write records over versioned rows, so that files end in the same rows whatever their order.
--
-- Rules (ERP cache 2 and 6, customers 9 and 10): each field belongs to the newest file that brought it, filled or
-- emptied; a field that a file does not bring keeps its value. Files are compared by (sequence, file_id).
-- A row says (sequence, file_id, record) of its newest write. Its column field_versions says the same of each field
-- that this write did not bring and of each emptied field; a filled field absent there came with the newest write,
-- and an empty one was never brought.
--
-- In:  merchant; source: a query with the key, the fields (NULL: not brought), cleared (',a,b,': emptied) and record.
--      The lists of fields are made by versioned.py, which holds the expressions of one field.
-- Out: rows of the target inserted or updated. Only rows that change are written: a rerun writes nothing. Where a newer
--      file says what the row says already, only its place moves on, lest an older one arriving late overwrite it.
MERGE INTO {target} AS old
USING ({source}) AS new
ON old.merchant = {merchant} AND old.{key} = new.{new_key}
WHEN MATCHED AND ({old_fields}, old.field_versions) IS DISTINCT FROM ({fields}, {field_versions}) THEN UPDATE SET
    {assignments},
    field_versions = {field_versions},
    sequence = greatest(old.sequence, {sequence}),
    file_id = CASE WHEN {newer} THEN {file_id} ELSE old.file_id END,
    record = CASE WHEN {newer} THEN new.record ELSE old.record END,
    updated_at = now()
WHEN MATCHED AND (({sequence}, {file_id}) > (old.sequence, old.file_id)
                  OR ({sequence}, {file_id}) = (old.sequence, old.file_id) AND old.record <> new.record) THEN UPDATE SET
    sequence = {sequence}, file_id = {file_id}, record = new.record
WHEN NOT MATCHED THEN INSERT
    (merchant, {key}, {columns}, sequence, file_id, record, field_versions)
    VALUES ({merchant}, new.{new_key}, {new_values}, {sequence}, {file_id}, new.record, {first_origins})
