-- How many rows of a merchant there are: kept by each statement that changes them, at a cost of the rows it changes.
CREATE TABLE erp_feeds.totals (
    merchant text NOT NULL,
    kind     text NOT NULL,                               -- profile, order, return
    number   bigint NOT NULL,
    lines    bigint NOT NULL DEFAULT 0,                   -- of orders and returns
    revenue  numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant, kind)
);
COMMENT ON TABLE erp_feeds.totals IS 'How many profiles, orders and returns each merchant has.';

INSERT INTO erp_feeds.totals (merchant, kind, number)
SELECT merchant, 'profile', count(*) FROM erp_feeds.profiles GROUP BY merchant;
INSERT INTO erp_feeds.totals
SELECT merchant, kind, count(*), coalesce(sum(line_count), 0), coalesce(sum(total), 0)
FROM erp_feeds.purchases GROUP BY merchant, kind;

-- In: added, removed: the rows of one statement, of which an INSERT has no removed and a DELETE no added ones.
CREATE FUNCTION erp_feeds.count_profiles() RETURNS trigger LANGUAGE plpgsql SET search_path = erp_feeds, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO totals (merchant, kind, number)
        SELECT merchant, 'profile', count(*) FROM added GROUP BY merchant
        ON CONFLICT (merchant, kind) DO UPDATE SET number = totals.number + EXCLUDED.number;
    ELSE
        UPDATE totals SET number = totals.number - gone.number
        FROM (SELECT merchant, count(*) AS number FROM removed GROUP BY merchant) AS gone
        WHERE totals.merchant = gone.merchant AND totals.kind = 'profile';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON erp_feeds.profiles
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION erp_feeds.count_profiles();
CREATE TRIGGER count_removed AFTER DELETE ON erp_feeds.profiles
    REFERENCING OLD TABLE AS removed EXECUTE FUNCTION erp_feeds.count_profiles();

CREATE FUNCTION erp_feeds.count_purchases() RETURNS trigger LANGUAGE plpgsql SET search_path = erp_feeds, pg_temp AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO totals
        SELECT merchant, kind, count(*), coalesce(sum(line_count), 0), coalesce(sum(total), 0)
        FROM added GROUP BY merchant, kind
        ON CONFLICT (merchant, kind) DO UPDATE
        SET number = totals.number + EXCLUDED.number, lines = totals.lines + EXCLUDED.lines,
            revenue = totals.revenue + EXCLUDED.revenue;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE totals
        SET number = totals.number - gone.number, lines = totals.lines - gone.lines,
            revenue = totals.revenue - gone.revenue
        FROM (
            SELECT merchant, kind, count(*) AS number, coalesce(sum(line_count), 0) AS lines,
                   coalesce(sum(total), 0) AS revenue
            FROM removed GROUP BY merchant, kind
        ) AS gone
        WHERE totals.merchant = gone.merchant AND totals.kind = gone.kind;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON erp_feeds.purchases
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION erp_feeds.count_purchases();
CREATE TRIGGER count_changed AFTER UPDATE ON erp_feeds.purchases
    REFERENCING OLD TABLE AS removed NEW TABLE AS added EXECUTE FUNCTION erp_feeds.count_purchases();
CREATE TRIGGER count_removed AFTER DELETE ON erp_feeds.purchases
    REFERENCING OLD TABLE AS removed EXECUTE FUNCTION erp_feeds.count_purchases();

-- The numbers beside a profile's first one; five numbers are at least four of these.
CREATE INDEX identifiers_joined ON erp_feeds.identifiers (profile_id)
    WHERE rule IS DISTINCT FROM 'customers 3' AND rule IS DISTINCT FROM 'purchases 3';
