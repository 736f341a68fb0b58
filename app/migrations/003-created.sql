-- When it was written, in UTC (ISO 8601); posts from before have none.
ALTER TABLE posts ADD COLUMN created TEXT;
