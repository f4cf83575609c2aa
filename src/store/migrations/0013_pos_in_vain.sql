-- POs that were asked for by their number and made no sense, and when: each is left for a while then, as a source is.
CREATE TABLE pos_in_vain (
    number TEXT PRIMARY KEY,
    at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
