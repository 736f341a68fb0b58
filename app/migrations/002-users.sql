CREATE TABLE users (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  login    TEXT NOT NULL COLLATE NOCASE UNIQUE,
  password TEXT NOT NULL -- argon2id, with its own parameters
);
