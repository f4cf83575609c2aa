-- Every id and number that an order goes by, in capitals, a line each (`key number`), sixty-four orders to a row: a part of one is
-- found by reading some thousand rows, where the orders and links themselves are hundreds of thousands. Nothing is taken out: a
-- link is never taken back, and by its former number an order may be found, too. The triggers keep it in step, whatever writes.
CREATE TABLE numbers (
    page INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
INSERT INTO numbers (page, text)
    SELECT key / 64, group_concat(key || ' ' || upper(number), char(10)) || char(10) FROM (
        SELECT key, ax_id AS number FROM orders
        UNION SELECT key, reference FROM orders
        UNION SELECT order_key, number FROM prebook_links
        UNION SELECT order_key, number FROM po_links)
    WHERE number IS NOT NULL GROUP BY key / 64;

CREATE TRIGGER orders_named AFTER INSERT ON orders BEGIN
    INSERT INTO numbers (page, text)
        SELECT new.key / 64, new.key || ' ' || upper(number) || char(10)
        FROM (SELECT new.ax_id AS number UNION SELECT new.reference) WHERE number IS NOT NULL
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
CREATE TRIGGER orders_named_in_axerrio AFTER UPDATE OF ax_id ON orders
    WHEN new.ax_id IS NOT NULL AND new.ax_id IS NOT old.ax_id BEGIN
    INSERT INTO numbers (page, text) VALUES (new.key / 64, new.key || ' ' || upper(new.ax_id) || char(10))
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
CREATE TRIGGER orders_referred_to AFTER UPDATE OF reference ON orders
    WHEN new.reference IS NOT NULL AND new.reference IS NOT old.reference BEGIN
    INSERT INTO numbers (page, text) VALUES (new.key / 64, new.key || ' ' || upper(new.reference) || char(10))
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
CREATE TRIGGER prebooks_linked AFTER INSERT ON prebook_links WHEN new.number IS NOT NULL BEGIN
    INSERT INTO numbers (page, text) VALUES (new.order_key / 64, new.order_key || ' ' || upper(new.number) || char(10))
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
CREATE TRIGGER prebooks_numbered AFTER UPDATE OF number ON prebook_links
    WHEN new.number IS NOT NULL AND new.number IS NOT old.number BEGIN
    INSERT INTO numbers (page, text) VALUES (new.order_key / 64, new.order_key || ' ' || upper(new.number) || char(10))
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
CREATE TRIGGER pos_linked AFTER INSERT ON po_links BEGIN
    INSERT INTO numbers (page, text) VALUES (new.order_key / 64, new.order_key || ' ' || upper(new.number) || char(10))
        ON CONFLICT (page) DO UPDATE SET text = text || excluded.text;
END;
