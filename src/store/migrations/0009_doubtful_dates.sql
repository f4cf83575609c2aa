-- From when on a ship date is to be read once, whatever else is known of it: a PO whose making was not answered and was not
-- found may stand there, because a buyer moved it.
ALTER TABLE sources ADD COLUMN look_from TEXT;
