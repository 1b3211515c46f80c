-- Accounts of this file whose invoice debtor was unknown when the file was loaded first (rule: ERP cache 7). The answer to
-- a price request is decided anew at every request, so a debtor that arrives later counts from then on.
-- In: incoming_accounts, written by now; merchant; file_id. Out: one number.
SELECT count(*)
FROM incoming_accounts AS new
JOIN files ON files.file_id = {file_id}
WHERE new.invoice_to <> new.key
  AND NOT EXISTS (
      SELECT FROM accounts AS debtor
      WHERE debtor.merchant = {merchant} AND debtor.account_number = new.invoice_to
        AND (files.state <> 'loaded' OR debtor.created_at < files.finished_at)
  )
