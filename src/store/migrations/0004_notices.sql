-- What people are to be told, until every channel has told it or given it up. A number is never used again: by it a
-- channel remembers how far it has come.
CREATE TABLE notices (
    id  INTEGER PRIMARY KEY AUTOINCREMENT,
    at  TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;

CREATE TABLE notice_channels (
    channel       TEXT PRIMARY KEY,
    told          INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    next_at       TEXT,
    claimed_until TEXT
) STRICT, WITHOUT ROWID;

-- What is going wrong: a job or a system since when, in how many runs, and whether people were told.
CREATE TABLE troubles (
    subject TEXT PRIMARY KEY,
    since   TEXT NOT NULL,
    times   INTEGER NOT NULL,
    told    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest hold that was put among the notices: holds are numbered in the order in which they open.
CREATE TABLE notices_seen (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    hold INTEGER NOT NULL
) STRICT;
INSERT INTO notices_seen (one, hold) VALUES (1, 0);
