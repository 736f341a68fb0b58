"""What servers serve: a list of 50 items, a database, two files. The same on every run."""
import json
import os
import random
import shutil
import sqlite3

ITEMS, ROWS, ACCOUNTS = 50, 10000, 1000
WORDS = "amber basalt cedar delta ember fjord granite harbor indigo juniper".split()
CATEGORIES = "books", "garden", "tools", "toys <1 & up>"
SCHEMA = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price INTEGER NOT NULL,
                    quantity INTEGER NOT NULL);
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE transfers (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, target INTEGER NOT NULL, amount INTEGER NOT NULL);
"""


def item(number, chance):
    return {"id": number, "name": f"{chance.choice(WORDS).title()} {chance.choice(WORDS)} {number}",
            "category": chance.choice(CATEGORIES), "price": chance.randint(1, 500), "quantity": chance.randint(1, 50),
            "active": chance.random() < 0.7, "tags": chance.sample(WORDS, 3),
            "rating": {"score": chance.randint(1, 50), "count": chance.randint(1, 900)}}


class Data:
    """The folder that every server gets a copy of."""

    def __init__(self, work):
        self.work, chance = work, random.Random(16)
        self.items = [item(i, chance) for i in range(1, ITEMS + 1)]
        stored = [item(i, chance) for i in range(1, ROWS + 1)]
        self.rows = {row["id"]: {name: row[name] for name in ("id", "name", "category", "price", "quantity")} for row in stored}
        self.files = {"small.css": chance.randbytes(10 << 10), "large.bin": chance.randbytes(10 << 20)}
        self.original = os.path.join(work, "data")
        os.makedirs(os.path.join(self.original, "files"))
        self.write()

    def write(self):
        with open(os.path.join(self.original, "items.json"), "w", encoding="utf-8") as file:
            json.dump(self.items, file)
        for name, content in self.files.items():
            with open(os.path.join(self.original, "files", name), "wb") as file:
                file.write(content)
        db = sqlite3.connect(os.path.join(self.original, "bench.db"))
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA)
        db.executemany("INSERT INTO items VALUES (:id, :name, :category, :price, :quantity)", self.rows.values())
        db.executemany("INSERT INTO accounts VALUES (?, 1000000000)", [(i,) for i in range(1, ACCOUNTS + 1)])
        db.commit()
        db.close()

    def copy(self, name):
        folder = os.path.join(self.work, name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.original, folder)
        return folder


def counted(folder, sql):
    db = sqlite3.connect(os.path.join(folder, "bench.db"))
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()
