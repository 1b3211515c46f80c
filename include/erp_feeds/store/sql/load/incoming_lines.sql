-- The lines of one file's purchases, by record.
CREATE TEMP TABLE incoming_lines (
    record int, line_no int, sku text, description text, quantity numeric(14,3), amount numeric(14,2)
) ON COMMIT DROP
