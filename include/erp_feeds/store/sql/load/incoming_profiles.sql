-- The customers of one file, by record. NULL: not delivered; cleared names the fields to empty, as ',a,b,'.
CREATE TEMP TABLE incoming_profiles (
    record int, number text, email text, firstname text, lastname text, gender text, birthdate date, phone text,
    postcode text, city text, country text, language text, currency text, newsletter boolean, service boolean,
    marketing boolean, custom jsonb, cleared text, mapping_version text
) ON COMMIT DROP
