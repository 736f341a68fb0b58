CREATE TABLE posts (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  title  TEXT NOT NULL,
  text   TEXT NOT NULL,
  owner  TEXT NOT NULL,
  editor TEXT NOT NULL,
  image  BLOB
);
