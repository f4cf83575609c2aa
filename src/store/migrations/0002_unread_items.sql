-- Items that stemsync made and Komet has not shown yet: a full read of their ship date must show them, or they are
-- looked up.
CREATE INDEX item_links_unread ON item_links (order_key) WHERE ship_date IS NULL;
