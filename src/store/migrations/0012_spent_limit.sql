-- The limit that this link's own count had come to when the day's quota was found spent; NULL where Komet said that it is. Whoever
-- pays for another user since has requests left.
ALTER TABLE quota ADD COLUMN spent_limit INTEGER;
