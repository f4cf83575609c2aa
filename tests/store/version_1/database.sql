PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE orders (
    key       INTEGER PRIMARY KEY,
    flow      TEXT NOT NULL,
    ax_id     TEXT UNIQUE,
    reference TEXT UNIQUE,
    prebook   INTEGER,
    ship_date TEXT NOT NULL,
    stage     TEXT NOT NULL,
    dirty     INTEGER NOT NULL
) STRICT;
INSERT INTO orders VALUES(1,'from_axerrio','AX-100001',NULL,NULL,'2026-11-26','po_pending',0);
INSERT INTO orders VALUES(2,'from_axerrio','AX-100002',NULL,NULL,'2026-11-27','po_pending',0);
INSERT INTO orders VALUES(3,'from_axerrio','AX-100003',NULL,NULL,'2026-11-28','po_pending',0);
CREATE TABLE axerrio_views (
    key   INTEGER PRIMARY KEY REFERENCES orders,
    doc   TEXT NOT NULL,
    print INTEGER NOT NULL
) STRICT;
INSERT INTO axerrio_views VALUES(1,'{"id":"AX-100001","external_ref":null,"origin":"axerrio","status":"placed","version":1,"changed_at":"2026-11-26T01:55:44.474858Z","header":{"customer":{"code":"HUDSONV","name":"Hudson Vale Flower Exchange"},"customer_po":"BULK-0000001","ship_date":"2026-11-26","truck_date":"2026-11-29","carrier":{"code":"BLUEDUN","name":"Blue Dune Trucking"},"location":null,"comments":null},"lines":[{"id":"1","terms":{"product":{"code":"RBRIG60","description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"2","terms":{"product":{"code":"ALSWHI","description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"3","terms":{"product":{"code":"RBRIG40","description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"confirmed_boxes":null}],"purchase_order":null}',3275962372621264560);
INSERT INTO axerrio_views VALUES(2,'{"id":"AX-100002","external_ref":null,"origin":"axerrio","status":"placed","version":1,"changed_at":"2026-11-26T01:55:44.474858Z","header":{"customer":{"code":"HARVSTR","name":"Harvest Row Supermarkets"},"customer_po":"BULK-0000002","ship_date":"2026-11-27","truck_date":"2026-11-30","carrier":{"code":"PICKUP","name":"Customer Pick Up"},"location":null,"comments":null},"lines":[{"id":"1","terms":{"product":{"code":"RBRIG70","description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"2","terms":{"product":{"code":"RORCR60","description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"3","terms":{"product":{"code":"HYDBLU","description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"confirmed_boxes":null}],"purchase_order":null}',9134489102713860006);
INSERT INTO axerrio_views VALUES(3,'{"id":"AX-100003","external_ref":null,"origin":"axerrio","status":"placed","version":1,"changed_at":"2026-11-26T01:55:44.474858Z","header":{"customer":{"code":"PETALHS","name":"Petal House Studio"},"customer_po":"BULK-0000003","ship_date":"2026-11-28","truck_date":"2026-12-01","carrier":{"code":"BLUEDUN","name":"Blue Dune Trucking"},"location":null,"comments":null},"lines":[{"id":"1","terms":{"product":{"code":"RFRSP60","description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"2","terms":{"product":{"code":"LIMPNA","description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"confirmed_boxes":null},{"id":"3","terms":{"product":{"code":"GYPMIL","description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"confirmed_boxes":null}],"purchase_order":null}',2800224054876644001);
CREATE TABLE komet_views (
    key         INTEGER PRIMARY KEY REFERENCES orders,
    doc         TEXT NOT NULL,
    print       INTEGER NOT NULL,
    links_print INTEGER NOT NULL
) STRICT;
INSERT INTO komet_views VALUES(1,'{"prebooks":[{"id":700001,"number":"85001","kind":"prebook","header":{"customer_id":3204,"customer_code":"HUDSONV","customer_name":"Hudson Vale Flower Exchange","location_code":"MIA","truck_date":"2026-11-29","customer_po":"BULK-0000001","carrier_id":202,"carrier_name":"Blue Dune Trucking"},"comments":"[AX AX-100001]","items":[{"id":3000001,"ship_date":"2026-11-26","terms":{"product":{"id":43060,"description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"po_number":"41001"},{"id":3000002,"ship_date":"2026-11-26","terms":{"product":{"id":53001,"description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"po_number":"41001"},{"id":3000003,"ship_date":"2026-11-26","terms":{"product":{"id":43040,"description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"po_number":"41001"}]}],"purchase_orders":[{"number":"41001","status":"pending","ship_date":"2026-11-26","updated_on":"2026-11-26T01:55:53Z","awb":null,"location":"Miami","lines":[{"id":6000001,"item_id":3000001,"terms":{"product":{"id":43060,"description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000002,"item_id":3000002,"terms":{"product":{"id":53001,"description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000003,"item_id":3000003,"terms":{"product":{"id":43040,"description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"boxes":[]}]}]}',-9200249514934246985,-1318306728534343982);
INSERT INTO komet_views VALUES(2,'{"prebooks":[{"id":700002,"number":"85002","kind":"prebook","header":{"customer_id":3303,"customer_code":"HARVSTR","customer_name":"Harvest Row Supermarkets","location_code":"MIA","truck_date":"2026-11-30","customer_po":"BULK-0000002","carrier_id":206,"carrier_name":"Customer Pick Up"},"comments":"[AX AX-100002]","items":[{"id":3000004,"ship_date":"2026-11-27","terms":{"product":{"id":43070,"description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"po_number":"41002"},{"id":3000005,"ship_date":"2026-11-27","terms":{"product":{"id":43260,"description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"po_number":"41002"},{"id":3000006,"ship_date":"2026-11-27","terms":{"product":{"id":54002,"description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"po_number":"41002"}]}],"purchase_orders":[{"number":"41002","status":"pending","ship_date":"2026-11-27","updated_on":"2026-11-26T01:55:53Z","awb":null,"location":"Miami","lines":[{"id":6000004,"item_id":3000004,"terms":{"product":{"id":43070,"description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000005,"item_id":3000005,"terms":{"product":{"id":43260,"description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000006,"item_id":3000006,"terms":{"product":{"id":54002,"description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"boxes":[]}]}]}',-8805892232892036436,8206151811179499870);
INSERT INTO komet_views VALUES(3,'{"prebooks":[{"id":700003,"number":"85003","kind":"prebook","header":{"customer_id":3102,"customer_code":"PETALHS","customer_name":"Petal House Studio","location_code":"MIA","truck_date":"2026-12-01","customer_po":"BULK-0000003","carrier_id":202,"carrier_name":"Blue Dune Trucking"},"comments":"[AX AX-100003]","items":[{"id":3000007,"ship_date":"2026-11-28","terms":{"product":{"id":43460,"description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"po_number":"41003"},{"id":3000008,"ship_date":"2026-11-28","terms":{"product":{"id":58102,"description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"po_number":"41003"},{"id":3000009,"ship_date":"2026-11-28","terms":{"product":{"id":55002,"description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"po_number":"41003"}]}],"purchase_orders":[{"number":"41003","status":"pending","ship_date":"2026-11-28","updated_on":"2026-11-26T01:55:53Z","awb":null,"location":"Miami","lines":[{"id":6000007,"item_id":3000007,"terms":{"product":{"id":43460,"description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000008,"item_id":3000008,"terms":{"product":{"id":58102,"description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"boxes":[]},{"id":6000009,"item_id":3000009,"terms":{"product":{"id":55002,"description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"boxes":[]}]}]}',-7799089444266359964,8447924921382076750);
CREATE TABLE agreed_views (
    key         INTEGER PRIMARY KEY REFERENCES orders,
    doc         TEXT NOT NULL,
    print       INTEGER NOT NULL,
    links_print INTEGER NOT NULL
) STRICT;
INSERT INTO agreed_views VALUES(1,'{"lines":{"1":{"terms":{"product":{"code":"RBRIG60","description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"item":{"prebook":700001,"item":3000001,"seen":{"terms":{"product":{"id":43060,"description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"ship_date":"2026-11-26"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41001","line":6000001,"item":3000001,"asked":{"boxes":12,"box_type":{"code":{"code":"HB","name":""}},"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","notes":null,"mix":[]},"ship_date":"2026-11-26","seen":{"product":{"id":43060,"description":"Rose Brighton Yellow 60 cm"},"box_type":"HB","boxes":12,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.35","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"dead":false}]},"2":{"terms":{"product":{"code":"ALSWHI","description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"item":{"prebook":700001,"item":3000002,"seen":{"terms":{"product":{"id":53001,"description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"ship_date":"2026-11-26"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41001","line":6000002,"item":3000002,"asked":{"boxes":7,"box_type":{"code":{"code":"QB","name":""}},"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","notes":null,"mix":[]},"ship_date":"2026-11-26","seen":{"product":{"id":53001,"description":"Alstroemeria Virginia White Select"},"box_type":"QB","boxes":7,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"2.24","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"dead":false}]},"3":{"terms":{"product":{"code":"RBRIG40","description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","unit_price":null,"mark_code":"HUDSONV 0001","notes":null,"mix":[]},"item":{"prebook":700001,"item":3000003,"seen":{"terms":{"product":{"id":43040,"description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"ship_date":"2026-11-26"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41001","line":6000003,"item":3000003,"asked":{"boxes":11,"box_type":{"code":{"code":"QB","name":""}},"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","notes":null,"mix":[]},"ship_date":"2026-11-26","seen":{"product":{"id":43040,"description":"Rose Brighton Yellow 40 cm"},"box_type":"QB","boxes":11,"bunches":8,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.21","mark_code":"HUDSONV 0001","notes":null,"breakdowns":[]},"dead":false}]}},"prebooks":{"700001":{"number":"85001","sent":{"customer":{"code":"HUDSONV","name":"Hudson Vale Flower Exchange"},"customer_po":"BULK-0000001","ship_date":"2026-11-26","truck_date":"2026-11-29","carrier":{"code":"BLUEDUN","name":"Blue Dune Trucking"},"location":null,"comments":null},"seen":{"customer_id":3204,"customer_code":"HUDSONV","customer_name":"Hudson Vale Flower Exchange","location_code":"MIA","truck_date":"2026-11-29","customer_po":"BULK-0000001","carrier_id":202,"carrier_name":"Blue Dune Trucking"}}},"strays":[],"avoid_existing":false,"doubtful_creates":0,"doubtful_purchases":0,"po":"41001","input":null,"po_info":null,"boxes":{},"rejections":{},"decisions":[],"cancellation_released":false}',-1472926121998249601,6149149716770661787);
INSERT INTO agreed_views VALUES(2,'{"lines":{"1":{"terms":{"product":{"code":"RBRIG70","description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"item":{"prebook":700002,"item":3000004,"seen":{"terms":{"product":{"id":43070,"description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"ship_date":"2026-11-27"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41002","line":6000004,"item":3000004,"asked":{"boxes":5,"box_type":{"code":{"code":"HB","name":""}},"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","notes":null,"mix":[]},"ship_date":"2026-11-27","seen":{"product":{"id":43070,"description":"Rose Brighton Yellow 70 cm"},"box_type":"HB","boxes":5,"bunches":10,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.39","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"dead":false}]},"2":{"terms":{"product":{"code":"RORCR60","description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"item":{"prebook":700002,"item":3000005,"seen":{"terms":{"product":{"id":43260,"description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"ship_date":"2026-11-27"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41002","line":6000005,"item":3000005,"asked":{"boxes":5,"box_type":{"code":{"code":"HB","name":""}},"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","notes":null,"mix":[]},"ship_date":"2026-11-27","seen":{"product":{"id":43260,"description":"Rose Orange Crush Orange 60 cm"},"box_type":"HB","boxes":5,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.38","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"dead":false}]},"3":{"terms":{"product":{"code":"HYDBLU","description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","unit_price":null,"mark_code":"HARVSTR 0002","notes":null,"mix":[]},"item":{"prebook":700002,"item":3000006,"seen":{"terms":{"product":{"id":54002,"description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"ship_date":"2026-11-27"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41002","line":6000006,"item":3000006,"asked":{"boxes":3,"box_type":{"code":{"code":"HB","name":""}},"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","notes":null,"mix":[]},"ship_date":"2026-11-27","seen":{"product":{"id":54002,"description":"Hydrangea Shocking Blue Select"},"box_type":"HB","boxes":3,"bunches":30,"stems_per_bunch":1,"unit_type":"stem","unit_cost":"1.12","mark_code":"HARVSTR 0002","notes":null,"breakdowns":[]},"dead":false}]}},"prebooks":{"700002":{"number":"85002","sent":{"customer":{"code":"HARVSTR","name":"Harvest Row Supermarkets"},"customer_po":"BULK-0000002","ship_date":"2026-11-27","truck_date":"2026-11-30","carrier":{"code":"PICKUP","name":"Customer Pick Up"},"location":null,"comments":null},"seen":{"customer_id":3303,"customer_code":"HARVSTR","customer_name":"Harvest Row Supermarkets","location_code":"MIA","truck_date":"2026-11-30","customer_po":"BULK-0000002","carrier_id":206,"carrier_name":"Customer Pick Up"}}},"strays":[],"avoid_existing":false,"doubtful_creates":0,"doubtful_purchases":0,"po":"41002","input":null,"po_info":null,"boxes":{},"rejections":{},"decisions":[],"cancellation_released":false}',7877054686427088512,-602841009646164279);
INSERT INTO agreed_views VALUES(3,'{"lines":{"1":{"terms":{"product":{"code":"RFRSP60","description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"item":{"prebook":700003,"item":3000007,"seen":{"terms":{"product":{"id":43460,"description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"ship_date":"2026-11-28"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41003","line":6000007,"item":3000007,"asked":{"boxes":3,"box_type":{"code":{"code":"HB","name":""}},"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","notes":null,"mix":[]},"ship_date":"2026-11-28","seen":{"product":{"id":43460,"description":"Rose Free Spirit Orange 60 cm"},"box_type":"HB","boxes":3,"bunches":12,"stems_per_bunch":25,"unit_type":"stem","unit_cost":"0.48","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"dead":false}]},"2":{"terms":{"product":{"code":"LIMPNA","description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"item":{"prebook":700003,"item":3000008,"seen":{"terms":{"product":{"id":58102,"description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"ship_date":"2026-11-28"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41003","line":6000008,"item":3000008,"asked":{"boxes":3,"box_type":{"code":{"code":"QB","name":""}},"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","notes":null,"mix":[]},"ship_date":"2026-11-28","seen":{"product":{"id":58102,"description":"Limonium Pina Colada White"},"box_type":"QB","boxes":3,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.16","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"dead":false}]},"3":{"terms":{"product":{"code":"GYPMIL","description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","unit_price":null,"mark_code":"PETALHS 0003","notes":null,"mix":[]},"item":{"prebook":700003,"item":3000009,"seen":{"terms":{"product":{"id":55002,"description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"ship_date":"2026-11-28"},"fresh":true,"products":[],"dead":false},"po_lines":[{"number":"41003","line":6000009,"item":3000009,"asked":{"boxes":9,"box_type":{"code":{"code":"QB","name":""}},"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","notes":null,"mix":[]},"ship_date":"2026-11-28","seen":{"product":{"id":55002,"description":"Gypsophila Million Stars White 70 cm"},"box_type":"QB","boxes":9,"bunches":12,"stems_per_bunch":10,"unit_type":"bunch","unit_cost":"3.35","mark_code":"PETALHS 0003","notes":null,"breakdowns":[]},"dead":false}]}},"prebooks":{"700003":{"number":"85003","sent":{"customer":{"code":"PETALHS","name":"Petal House Studio"},"customer_po":"BULK-0000003","ship_date":"2026-11-28","truck_date":"2026-12-01","carrier":{"code":"BLUEDUN","name":"Blue Dune Trucking"},"location":null,"comments":null},"seen":{"customer_id":3102,"customer_code":"PETALHS","customer_name":"Petal House Studio","location_code":"MIA","truck_date":"2026-12-01","customer_po":"BULK-0000003","carrier_id":202,"carrier_name":"Blue Dune Trucking"}}},"strays":[],"avoid_existing":false,"doubtful_creates":0,"doubtful_purchases":0,"po":"41003","input":null,"po_info":null,"boxes":{},"rejections":{},"decisions":[],"cancellation_released":false}',3619348583281384070,-7483768252849481233);
CREATE TABLE prebook_links (
    prebook   INTEGER NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    number    TEXT,
    PRIMARY KEY (prebook, order_key)
) STRICT, WITHOUT ROWID;
INSERT INTO prebook_links VALUES(700001,1,'85001');
INSERT INTO prebook_links VALUES(700002,2,'85002');
INSERT INTO prebook_links VALUES(700003,3,'85003');
CREATE TABLE item_links (
    item      INTEGER PRIMARY KEY,
    order_key INTEGER NOT NULL REFERENCES orders,
    prebook   INTEGER NOT NULL,
    ship_date TEXT,
    alive     INTEGER NOT NULL
) STRICT;
INSERT INTO item_links VALUES(3000001,1,700001,'2026-11-26',1);
INSERT INTO item_links VALUES(3000002,1,700001,'2026-11-26',1);
INSERT INTO item_links VALUES(3000003,1,700001,'2026-11-26',1);
INSERT INTO item_links VALUES(3000004,2,700002,'2026-11-27',1);
INSERT INTO item_links VALUES(3000005,2,700002,'2026-11-27',1);
INSERT INTO item_links VALUES(3000006,2,700002,'2026-11-27',1);
INSERT INTO item_links VALUES(3000007,3,700003,'2026-11-28',1);
INSERT INTO item_links VALUES(3000008,3,700003,'2026-11-28',1);
INSERT INTO item_links VALUES(3000009,3,700003,'2026-11-28',1);
CREATE TABLE po_links (
    number    TEXT NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    PRIMARY KEY (number, order_key)
) STRICT, WITHOUT ROWID;
INSERT INTO po_links VALUES('41001',1);
INSERT INTO po_links VALUES('41002',2);
INSERT INTO po_links VALUES('41003',3);
CREATE TABLE box_links (
    code      TEXT NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    PRIMARY KEY (code, order_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE labels (
    id       TEXT PRIMARY KEY,
    ax_order TEXT NOT NULL,
    line     TEXT NOT NULL,
    box_code TEXT NOT NULL,
    doc      TEXT NOT NULL,
    print    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE watermarks (
    stream  TEXT NOT NULL,
    part    INTEGER NOT NULL,
    at      TEXT NOT NULL,
    full_at TEXT,
    PRIMARY KEY (stream, part)
) STRICT, WITHOUT ROWID;
INSERT INTO watermarks VALUES('labels',0,'2026-11-26T01:50:53.402304000Z',NULL);
INSERT INTO watermarks VALUES('orders',0,'2026-11-26T01:50:53.366156000Z',NULL);
INSERT INTO watermarks VALUES('prebooks',2968,'2026-11-26T01:50:53.000000000Z','2026-11-26T01:55:53.191859630Z');
INSERT INTO watermarks VALUES('prebooks',2969,'2026-11-26T01:50:53.000000000Z','2026-11-26T01:55:53.191859630Z');
INSERT INTO watermarks VALUES('prebooks',2970,'2026-11-26T01:50:53.000000000Z','2026-11-26T01:55:53.191859630Z');
INSERT INTO watermarks VALUES('prebooks',2971,'2026-11-26T01:50:53.000000000Z','2026-11-26T01:55:53.191859630Z');
INSERT INTO watermarks VALUES('prebooks',2972,'2026-11-26T01:50:53.000000000Z','2026-11-26T01:55:53.191859630Z');
INSERT INTO watermarks VALUES('purchase-orders',0,'2026-11-26T01:55:53.000000000Z',NULL);
CREATE TABLE intents (
    id      INTEGER PRIMARY KEY,
    run     TEXT NOT NULL,
    job     TEXT NOT NULL,
    system  TEXT NOT NULL,
    method  TEXT NOT NULL,
    action  TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    answer  TEXT,
    doubt   TEXT,
    decided_from TEXT
) STRICT;
CREATE TABLE intent_orders (
    intent    INTEGER NOT NULL REFERENCES intents ON DELETE CASCADE,
    order_key INTEGER NOT NULL REFERENCES orders,
    PRIMARY KEY (intent, order_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    order_key INTEGER REFERENCES orders,
    reason    TEXT NOT NULL,
    line      TEXT,
    cause     TEXT NOT NULL,
    detail    TEXT NOT NULL,
    since     TEXT NOT NULL,
    covers    TEXT
) STRICT;
CREATE TABLE maps (
    kind     TEXT NOT NULL,
    code     TEXT NOT NULL,
    komet_id INTEGER NOT NULL,
    PRIMARY KEY (kind, code)
) STRICT, WITHOUT ROWID;
INSERT INTO maps VALUES('carrier','GREENLN',201);
CREATE TABLE runs (
    id               TEXT PRIMARY KEY,
    trigger          TEXT NOT NULL,
    started_at       TEXT NOT NULL,
    finished_at      TEXT,
    jobs             TEXT,
    outcome          TEXT,
    quiet            INTEGER NOT NULL DEFAULT 0,
    repeats          INTEGER NOT NULL DEFAULT 0,
    first_started_at TEXT NOT NULL,
    report           TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO runs VALUES('01M8AS1Z6FFM9X5C4FK4DVMX1Q','sync','2026-11-26T01:55:53.167614998Z','2026-11-26T01:55:53.310713483Z','orders,prebooks,purchase-orders,labels','ok',0,0,'2026-11-26T01:55:53.167614998Z','{"run":"01M8AS1Z6FFM9X5C4FK4DVMX1Q","dry_run":false,"outcome":"ok","started_at":"2026-11-26T01:55:53.167614998Z","finished_at":"2026-11-26T01:55:53.310713483Z","jobs":[{"job":"orders","outcome":"ok","polled":3,"changed":3,"pushed":6,"held":0,"failed":0,"requests":{"axerrio":1,"komet":11},"watermark":{"before":null,"after":"2026-11-26T01:50:53.174719Z"},"error":null},{"job":"prebooks","outcome":"ok","polled":3,"changed":3,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":0,"komet":7},"watermark":{"before":null,"after":"2026-11-26T01:50:53Z"},"error":null},{"job":"purchase-orders","outcome":"ok","polled":3,"changed":3,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":0,"komet":3},"watermark":{"before":null,"after":"2026-11-26T01:55:53Z"},"error":null},{"job":"labels","outcome":"ok","polled":0,"changed":0,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":1,"komet":0},"watermark":{"before":null,"after":"2026-11-26T01:50:53.295142Z"},"error":null}],"actions":[],"quota":{"limit":1000,"used":21,"resets_at":"2026-11-27T00:00:00Z"}}');
INSERT INTO runs VALUES('01M8AS1ZCGJJJ80H9J27CHRCTB','sync','2026-11-26T01:55:53.360381213Z','2026-11-26T01:55:53.405901307Z','orders,prebooks,purchase-orders,labels','ok',1,0,'2026-11-26T01:55:53.360381213Z','{"run":"01M8AS1ZCGJJJ80H9J27CHRCTB","dry_run":false,"outcome":"ok","started_at":"2026-11-26T01:55:53.360381213Z","finished_at":"2026-11-26T01:55:53.405901307Z","jobs":[{"job":"orders","outcome":"ok","polled":3,"changed":0,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":1,"komet":0},"watermark":{"before":"2026-11-26T01:50:53.174719Z","after":"2026-11-26T01:50:53.366156Z"},"error":null},{"job":"prebooks","outcome":"ok","polled":3,"changed":0,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":0,"komet":5},"watermark":{"before":"2026-11-26T01:50:53Z","after":"2026-11-26T01:50:53Z"},"error":null},{"job":"purchase-orders","outcome":"ok","polled":3,"changed":0,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":0,"komet":3},"watermark":{"before":"2026-11-26T01:55:53Z","after":"2026-11-26T01:55:53Z"},"error":null},{"job":"labels","outcome":"ok","polled":0,"changed":0,"pushed":0,"held":0,"failed":0,"requests":{"axerrio":1,"komet":0},"watermark":{"before":"2026-11-26T01:50:53.295142Z","after":"2026-11-26T01:50:53.402304Z"},"error":null}],"actions":[],"quota":{"limit":1000,"used":29,"resets_at":"2026-11-27T00:00:00Z"}}');
CREATE TABLE run_jobs (
    run         TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    job         TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    PRIMARY KEY (run, job)
) STRICT, WITHOUT ROWID;
INSERT INTO run_jobs VALUES('01M8AS1Z6FFM9X5C4FK4DVMX1Q','labels','ok','2026-11-26T01:55:53.310713483Z');
INSERT INTO run_jobs VALUES('01M8AS1Z6FFM9X5C4FK4DVMX1Q','orders','ok','2026-11-26T01:55:53.310713483Z');
INSERT INTO run_jobs VALUES('01M8AS1Z6FFM9X5C4FK4DVMX1Q','prebooks','ok','2026-11-26T01:55:53.310713483Z');
INSERT INTO run_jobs VALUES('01M8AS1Z6FFM9X5C4FK4DVMX1Q','purchase-orders','ok','2026-11-26T01:55:53.310713483Z');
INSERT INTO run_jobs VALUES('01M8AS1ZCGJJJ80H9J27CHRCTB','labels','ok','2026-11-26T01:55:53.405901307Z');
INSERT INTO run_jobs VALUES('01M8AS1ZCGJJJ80H9J27CHRCTB','orders','ok','2026-11-26T01:55:53.405901307Z');
INSERT INTO run_jobs VALUES('01M8AS1ZCGJJJ80H9J27CHRCTB','prebooks','ok','2026-11-26T01:55:53.405901307Z');
INSERT INTO run_jobs VALUES('01M8AS1ZCGJJJ80H9J27CHRCTB','purchase-orders','ok','2026-11-26T01:55:53.405901307Z');
CREATE TABLE events (
    id        INTEGER PRIMARY KEY,
    order_key INTEGER REFERENCES orders,
    run       TEXT,
    at        TEXT NOT NULL,
    system    TEXT,
    what      TEXT NOT NULL,
    detail    TEXT NOT NULL,
    result    TEXT
) STRICT;
INSERT INTO events VALUES(1,1,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.206839081Z','komet','prebook.create','prebook 85001','done');
INSERT INTO events VALUES(2,2,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.209964714Z','komet','prebook.create','prebook 85002','done');
INSERT INTO events VALUES(3,3,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.212609587Z','komet','prebook.create','prebook 85003','done');
INSERT INTO events VALUES(4,1,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.219116332Z','komet','purchase.order.create','PO 41001','done');
INSERT INTO events VALUES(5,2,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.223214126Z','komet','purchase.order.create','PO 41002','done');
INSERT INTO events VALUES(6,3,'01M8AS1Z6FFM9X5C4FK4DVMX1Q','2026-11-26T01:55:53.225658584Z','komet','purchase.order.create','PO 41003','done');
CREATE TABLE quota (
    day  TEXT PRIMARY KEY,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO quota VALUES('2026-11-26',29);
CREATE TABLE reference (
    kind    TEXT PRIMARY KEY,
    doc     TEXT NOT NULL,
    read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO reference VALUES('box-types','[{"id":11,"code":"FB","fbe":"1.000"},{"id":12,"code":"HB","fbe":"0.500"},{"id":13,"code":"QB","fbe":"0.250"},{"id":14,"code":"EB","fbe":"0.125"},{"id":15,"code":"TB","fbe":"0.330"},{"id":16,"code":"HJ","fbe":"0.600"},{"id":17,"code":"PRO","fbe":"0.200"}]','2026-11-26T01:55:53.245857409Z');
INSERT INTO reference VALUES('carriers','[{"id":201,"code":"GREENLN","name":"Greenline Reefer Freight"},{"id":202,"code":"BLUEDUN","name":"Blue Dune Trucking"},{"id":203,"code":"COLDPTH","name":"Coldpath Floral Express"},{"id":204,"code":"SUNBELT","name":"Sunbelt Petal Lines"},{"id":205,"code":"NORLITE","name":"Northern Lights Perishables"},{"id":206,"code":"PICKUP","name":"Customer Pick Up"},{"id":207,"code":"MVFLEET","name":"Mesa Verde Own Fleet"}]','2026-11-26T01:55:53.245857409Z');
DELETE FROM sqlite_sequence;
CREATE INDEX orders_dirty ON orders (ship_date, key) WHERE dirty = 1;
CREATE INDEX orders_by_ship_date ON orders (ship_date);
CREATE INDEX orders_by_stage ON orders (stage);
CREATE INDEX orders_with_open_po ON orders (ship_date) WHERE stage IN ('po_pending', 'po_approved', 'labelled');
CREATE INDEX orders_by_prebook ON orders (prebook) WHERE prebook IS NOT NULL;
CREATE INDEX prebook_links_by_number ON prebook_links (number) WHERE number IS NOT NULL;
CREATE INDEX item_links_by_order ON item_links (order_key);
CREATE INDEX item_links_alive ON item_links (ship_date) WHERE alive = 1;
CREATE INDEX labels_by_order ON labels (ax_order);
CREATE INDEX labels_by_box_code ON labels (box_code);
CREATE UNIQUE INDEX holds_identity ON holds (order_key, reason, ifnull(line, ''), cause);
CREATE UNIQUE INDEX holds_of_no_order ON holds (reason) WHERE order_key IS NULL;
CREATE INDEX runs_by_jobs ON runs (jobs, id);
CREATE INDEX run_jobs_by_job ON run_jobs (job, finished_at);
CREATE INDEX events_by_order ON events (order_key) WHERE order_key IS NOT NULL;
CREATE INDEX events_by_run ON events (run) WHERE run IS NOT NULL;
COMMIT;
PRAGMA user_version = 1;
