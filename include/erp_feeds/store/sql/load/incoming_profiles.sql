-- The customers of one file, by record. NULL: not delivered; cleared names the fields to empty, as ',a,b,'; brought says
-- which record brought a field that is not of the record that stands for several.
CREATE TEMP TABLE incoming_profiles (
    record int, number text, email text, firstname text, lastname text, gender text, birthdate date, phone text,
    postcode text, city text, country text, language text, currency text, newsletter boolean, service boolean,
    marketing boolean, custom jsonb, cleared text, brought jsonb, mapping_version text
) ON COMMIT DROP
