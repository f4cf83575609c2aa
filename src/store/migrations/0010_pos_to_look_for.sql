-- On which ship date a PO is to be looked for that no other question finds: on its own, where that is not its order's; and on its
-- order's where it buys nothing for it any more: Komet's people may put it back, or buy anew what it bought.
ALTER TABLE po_links ADD COLUMN look_on TEXT;
CREATE INDEX po_links_to_look_for ON po_links (look_on, order_key) WHERE look_on IS NOT NULL;
