-- When a source was last read, and something in it could not be: it is left for a while then, and read again.
ALTER TABLE sources ADD COLUMN in_vain_at TEXT;
