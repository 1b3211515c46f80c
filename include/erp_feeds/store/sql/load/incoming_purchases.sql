-- The purchases of one file, by record.
CREATE TEMP TABLE incoming_purchases (
    record int, key text, purchase_id text, kind text, channel text, number text, email text, order_number text,
    receipt_number text, branch text, local_time text, occurred_at timestamptz, currency text, total numeric(14,2),
    line_count int, content_hash text, custom jsonb, mapping_version text
) ON COMMIT DROP
