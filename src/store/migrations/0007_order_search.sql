-- The table of orders on the status page. Its filters are answered from the index that it is sorted by, so that a page
-- of a hundred thousand orders reads no order but those it shows. The first two replace narrower indexes of that name.
DROP INDEX orders_by_ship_date;
CREATE INDEX orders_by_ship_date ON orders (ship_date, key, stage, flow);
DROP INDEX orders_by_stage;
CREATE INDEX orders_by_stage ON orders (stage, ship_date, key, flow);
CREATE INDEX orders_by_name ON orders (ifnull(ax_id, reference), key, stage, flow, ship_date);

-- Every order that is loaded, for a page or for planning, asks which Prebooks are its own: without this that read them all.
CREATE INDEX prebook_links_by_order ON prebook_links (order_key);

-- What customers and products are called, each once, and the orders they stand in. A trade has some thousand names and
-- any number of orders: a word is looked for among the names, not among the orders. Kept in step by `save_axerrio` and
-- `save_komet`, each for its own view. In lower case.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (kind, text)
) STRICT;
CREATE TABLE order_names (
    order_key INTEGER NOT NULL REFERENCES orders,
    side      TEXT NOT NULL,
    name      INTEGER NOT NULL REFERENCES names,
    PRIMARY KEY (order_key, side, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_names_by_name ON order_names (name, order_key);

-- Of what is on file, but for a damaged document, which is an error where its order is loaded. `lower` knows ASCII only: names with other capitals are found again once their order changes.
CREATE TEMP TABLE found (order_key INTEGER NOT NULL, side TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
INSERT INTO temp.found
    SELECT v.key, 'axerrio', 'customer',
           lower(trim(trim(v.doc ->> '$.header.customer.code') || ' '
                      || trim(v.doc ->> '$.header.customer.name')))
    FROM axerrio_views v WHERE json_valid(v.doc);
INSERT INTO temp.found
    SELECT v.key, 'axerrio', 'product',
           lower(trim(trim(l.value ->> '$.terms.product.code') || ' '
                      || trim(l.value ->> '$.terms.product.description')))
    FROM axerrio_views v, json_each(iif(json_valid(v.doc), v.doc, '{}'), '$.lines') l;
INSERT INTO temp.found
    SELECT v.key, 'axerrio', 'product',
           lower(trim(trim(p.value ->> '$.product.code') || ' '
                      || trim(p.value ->> '$.product.description')))
    FROM axerrio_views v, json_each(iif(json_valid(v.doc), v.doc, '{}'), '$.lines') l, json_each(l.value, '$.terms.mix') p;
INSERT INTO temp.found
    SELECT v.key, 'komet', 'customer',
           lower(trim(trim(ifnull(p.value ->> '$.header.customer_code', '')) || ' '
                      || trim(ifnull(p.value ->> '$.header.customer_name', ''))))
    FROM komet_views v, json_each(iif(json_valid(v.doc), v.doc, '{}'), '$.prebooks') p;
INSERT INTO temp.found
    SELECT v.key, 'komet', 'product', lower(trim(i.value ->> '$.terms.product.description'))
    FROM komet_views v, json_each(iif(json_valid(v.doc), v.doc, '{}'), '$.prebooks') p, json_each(p.value, '$.items') i;
INSERT INTO temp.found
    SELECT v.key, 'komet', 'product', lower(trim(b.value ->> '$.product.description'))
    FROM komet_views v, json_each(iif(json_valid(v.doc), v.doc, '{}'), '$.prebooks') p, json_each(p.value, '$.items') i,
         json_each(i.value, '$.terms.breakdowns') b;
INSERT OR IGNORE INTO names (kind, text) SELECT kind, text FROM temp.found WHERE text <> '';
INSERT OR IGNORE INTO order_names (order_key, side, name)
    SELECT f.order_key, f.side, n.id FROM temp.found f JOIN names n ON n.kind = f.kind AND n.text = f.text;
DROP TABLE temp.found;
