CREATE TABLE weather (
  degrees REAL NOT NULL,
  at      INTEGER NOT NULL
);
