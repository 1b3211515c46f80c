-- The keys of the customers that this load takes, as the steps name them for refused ones. In: incoming_profiles.
SELECT number FROM incoming_profiles WHERE number IS NOT NULL
UNION ALL
SELECT email FROM incoming_profiles WHERE email IS NOT NULL
