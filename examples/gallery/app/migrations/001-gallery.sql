CREATE TABLE users (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  hook     TEXT,          -- is told of new pictures of this user …
  secret   TEXT           -- … and signed with this
);

CREATE TABLE pictures (
  id      INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never used again: browsers keep pictures by it
  owner   INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  title   TEXT NOT NULL,
  created TEXT NOT NULL,
  small   BLOB NOT NULL,
  large   BLOB NOT NULL
);
