-- The e-mails of one file that are suppressed: no profile gets them. Gone with the transaction, like all incoming rows.
CREATE TEMP TABLE suppressed_emails (email text) ON COMMIT DROP
