/*
 * SQLite as an engine (data/database.h): a reference to the store of a file, which all workers share, and the worker's own
 * read-only connection, on which short reads run inline, on the loop's thread.
 *
 *   a statement: reads, and is not known to be slow -> inline, within RL_LIMIT_SQL_INLINE_US
 *                   over the budget, or SQLITE_BUSY -> run again on a reader thread, and remembered as slow
 *                writes                             -> the writer
 *
 * The inline reads of one turn of the loop share a transaction (snapshot.h).
 * Handles of one file wait for each other's transactions: its one writer works off one at a time.
 */
#ifndef RL_DATA_SQLITE_SQLITE_H
#define RL_DATA_SQLITE_SQLITE_H

#include "data/database.h"
#include "data/sqlite/alone.h"
#include "data/sqlite/snapshot.h"
#include "data/sqlite/store.h"

typedef struct rl_sqlite {
  rl_database database; /* first */
  rl_store *store;
  rl_write_line *line;
  rl_connection reader; /* reader.db is NULL for ":memory:" */
  rl_snapshot snapshot; /* of that one */
  bool closed;
  unsigned running; /* inline reads under way: one inside another if a finalizer asks */
  uint64_t inline_runs, slow_runs;
  uint64_t last_columns_id;
} rl_sqlite;

/* Opens a file, or ":memory:". NULL with `error`. Closed by its ops->close. */
rl_database *rl_sqlite_open(rl_loop *loop, const char *path, const rl_store_options *options, rl_sql_error *error);
bool rl_sqlite_is_memory(const rl_database *database);

#endif
