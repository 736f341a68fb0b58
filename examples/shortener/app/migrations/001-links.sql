-- Who may make links. A key is a random text that only its owner has; here is its digest.
CREATE TABLE owners (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL UNIQUE
);

CREATE TABLE links (
  id      INTEGER PRIMARY KEY,
  owner   INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
  code    TEXT NOT NULL UNIQUE,
  url     TEXT NOT NULL,
  created TEXT NOT NULL
);
CREATE INDEX links_by_owner ON links (owner);

-- One row for each day of a link, however often it is followed.
CREATE TABLE clicks (
  link  INTEGER NOT NULL REFERENCES links ON DELETE CASCADE,
  day   TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (link, day)
) WITHOUT ROWID;
