-- The records of one file with the profile of each; a record brings an address only where its profile has it from now on.
-- In: incoming_profiles, resolved; fields: the columns that a profile and a record have alike. Out: one row per record.
SELECT resolved.profile_id, incoming_profiles.record, resolved.address AS email, {fields},
       coalesce(custom, '{{}}') AS custom, cleared, mapping_version
FROM incoming_profiles
JOIN resolved USING (record)
