/*
 * Migrations: each a script that runs once in the life of a database, in a transaction of its own, with the note that it
 * has run.
 *
 *   rille_migrations(name, applied_at, checksum)     checksum: SHA-256 of the file; NULL if it was applied before
 *                                                    checksums were kept, until the file is seen again
 *
 * SQLite's own way to change a table is to build it anew (https://sqlite.org/lang_altertable.html, section 7), and begins
 * with PRAGMA foreign_keys=OFF, for DROP TABLE deletes the rows of children. Inside a transaction that PRAGMA does
 * nothing, so if it stands first we do what it means: enforcement is off around the whole transaction, what the
 * migration broke is looked for before it is committed, and then enforcement is on again. Without it, a table that
 * is built anew takes rows of others with it (ON DELETE CASCADE), and nothing would say so: that is refused.
 */
#ifndef RL_DATA_SQLITE_MIGRATE_H
#define RL_DATA_SQLITE_MIGRATE_H

#include "data/sqlite/writer.h"

/* Runs the migrations of an operation, on the writer's thread. 0, or a code with op->error. */
int rl_migrate_run(rl_writer *writer, rl_op *op);

#endif
