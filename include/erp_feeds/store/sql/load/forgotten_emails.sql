-- The e-mails of one file that are forgotten: no profile gets them. Gone with the transaction, like all incoming rows.
CREATE TEMP TABLE forgotten_emails (email text) ON COMMIT DROP
