-- How many orders of each ship date stand at each stage, for whoever looks: counting them anew takes longer the more there
-- are on file. The triggers keep it in step, whatever writes an order.
CREATE TABLE order_counts (
    ship_date TEXT NOT NULL,
    stage     TEXT NOT NULL,
    orders    INTEGER NOT NULL,
    PRIMARY KEY (ship_date, stage)
) STRICT, WITHOUT ROWID;
INSERT INTO order_counts (ship_date, stage, orders)
    SELECT ship_date, stage, count(*) FROM orders GROUP BY ship_date, stage;

CREATE TRIGGER orders_counted_in AFTER INSERT ON orders BEGIN
    INSERT INTO order_counts (ship_date, stage, orders) VALUES (new.ship_date, new.stage, 1)
        ON CONFLICT (ship_date, stage) DO UPDATE SET orders = orders + 1;
END;
CREATE TRIGGER orders_counted_out AFTER DELETE ON orders BEGIN
    UPDATE order_counts SET orders = orders - 1 WHERE ship_date = old.ship_date AND stage = old.stage;
END;
CREATE TRIGGER orders_counted_anew AFTER UPDATE OF ship_date, stage ON orders
    WHEN old.ship_date <> new.ship_date OR old.stage <> new.stage BEGIN
    UPDATE order_counts SET orders = orders - 1 WHERE ship_date = old.ship_date AND stage = old.stage;
    INSERT INTO order_counts (ship_date, stage, orders) VALUES (new.ship_date, new.stage, 1)
        ON CONFLICT (ship_date, stage) DO UPDATE SET orders = orders + 1;
END;
