CREATE TABLE readings (
  city    TEXT NOT NULL,
  degrees REAL NOT NULL,
  at      INTEGER NOT NULL
);
