-- Orders: who they are and how far they have come. Their three views lie in tables of their own, so that moving an
-- order a stage further does not rewrite its documents.
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
CREATE INDEX orders_dirty ON orders (ship_date, key) WHERE dirty = 1;
CREATE INDEX orders_by_ship_date ON orders (ship_date);
CREATE INDEX orders_by_stage ON orders (stage);
CREATE INDEX orders_with_open_po ON orders (ship_date) WHERE stage IN ('po_pending', 'po_approved', 'labelled');
CREATE INDEX orders_by_prebook ON orders (prebook) WHERE prebook IS NOT NULL;

CREATE TABLE axerrio_views (
    key   INTEGER PRIMARY KEY REFERENCES orders,
    doc   TEXT NOT NULL,
    print INTEGER NOT NULL
) STRICT;

CREATE TABLE komet_views (
    key         INTEGER PRIMARY KEY REFERENCES orders,
    doc         TEXT NOT NULL,
    print       INTEGER NOT NULL,
    links_print INTEGER NOT NULL
) STRICT;

CREATE TABLE agreed_views (
    key         INTEGER PRIMARY KEY REFERENCES orders,
    doc         TEXT NOT NULL,
    print       INTEGER NOT NULL,
    links_print INTEGER NOT NULL
) STRICT;

-- Links: which order a thing of Komet's belongs to.
CREATE TABLE prebook_links (
    prebook   INTEGER NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    number    TEXT,
    PRIMARY KEY (prebook, order_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX prebook_links_by_number ON prebook_links (number) WHERE number IS NOT NULL;

CREATE TABLE item_links (
    item      INTEGER PRIMARY KEY,
    order_key INTEGER NOT NULL REFERENCES orders,
    prebook   INTEGER NOT NULL,
    ship_date TEXT,
    alive     INTEGER NOT NULL
) STRICT;
CREATE INDEX item_links_by_order ON item_links (order_key);
CREATE INDEX item_links_alive ON item_links (ship_date) WHERE alive = 1;

CREATE TABLE po_links (
    number    TEXT NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    PRIMARY KEY (number, order_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE box_links (
    code      TEXT NOT NULL,
    order_key INTEGER NOT NULL REFERENCES orders,
    PRIMARY KEY (code, order_key)
) STRICT, WITHOUT ROWID;

-- Labels hang on the Axerrio order's id: they may be read before the order is.
CREATE TABLE labels (
    id       TEXT PRIMARY KEY,
    ax_order TEXT NOT NULL,
    line     TEXT NOT NULL,
    box_code TEXT NOT NULL,
    doc      TEXT NOT NULL,
    print    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_order ON labels (ax_order);
CREATE INDEX labels_by_box_code ON labels (box_code);

CREATE TABLE watermarks (
    stream  TEXT NOT NULL,
    part    INTEGER NOT NULL,
    at      TEXT NOT NULL,
    full_at TEXT,
    PRIMARY KEY (stream, part)
) STRICT, WITHOUT ROWID;

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

-- A hold's number is told to people, who type it later: it must never come to mean another hold.
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
CREATE UNIQUE INDEX holds_identity ON holds (order_key, reason, ifnull(line, ''), cause);
CREATE UNIQUE INDEX holds_of_no_order ON holds (reason) WHERE order_key IS NULL;

CREATE TABLE maps (
    kind     TEXT NOT NULL,
    code     TEXT NOT NULL,
    komet_id INTEGER NOT NULL,
    PRIMARY KEY (kind, code)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX runs_by_jobs ON runs (jobs, id);
CREATE TABLE run_jobs (
    run         TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    job         TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    PRIMARY KEY (run, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_jobs_by_job ON run_jobs (job, finished_at);

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
CREATE INDEX events_by_order ON events (order_key) WHERE order_key IS NOT NULL;
CREATE INDEX events_by_run ON events (run) WHERE run IS NOT NULL;

CREATE TABLE quota (
    day  TEXT PRIMARY KEY,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
    kind    TEXT PRIMARY KEY,
    doc     TEXT NOT NULL,
    read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
