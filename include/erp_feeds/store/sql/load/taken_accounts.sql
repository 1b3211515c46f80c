-- The keys of the accounts that this load takes, as the steps name them for refused ones. In: incoming_accounts.
SELECT account_number FROM incoming_accounts
