-- When the day's quota was found spent: Komet is paused until the reset, and that is announced once.
ALTER TABLE quota ADD COLUMN spent_at TEXT;

-- What was last read of each source, one ship date of POs or one window of Prebooks, and what waiting is expected there.
-- `part` is the day's number from the common era, or the window's.
CREATE TABLE sources (
    kind       TEXT NOT NULL,
    part       INTEGER NOT NULL,
    read_at    TEXT,
    shows      TEXT,
    changed_at TEXT,
    as_of      TEXT NOT NULL,
    pending    INTEGER NOT NULL,
    approved   INTEGER NOT NULL,
    unseen     REAL NOT NULL,
    waiting    REAL NOT NULL,
    PRIMARY KEY (kind, part)
) STRICT, WITHOUT ROWID;

-- What was seen in each hour: what the budget learns from.
CREATE TABLE budget_hours (
    hour      TEXT PRIMARY KEY,
    watched   REAL NOT NULL,
    urgency   REAL NOT NULL,
    exposure  REAL NOT NULL,
    approvals REAL NOT NULL,
    prebooks  REAL NOT NULL,
    work      REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The same index with the stage in it: how many orders of each ship date await approval is read from it alone.
DROP INDEX orders_with_open_po;
CREATE INDEX orders_with_open_po ON orders (ship_date, stage) WHERE stage IN ('po_pending', 'po_approved', 'labelled');
