-- What `useExisting` goes by (customer, carrier, truck date, customer PO, location): where two orders' Prebooks share it,
-- Komet may add a line to either.
ALTER TABLE prebook_links ADD COLUMN header INTEGER;
CREATE INDEX prebook_links_by_header ON prebook_links (header) WHERE header IS NOT NULL;
