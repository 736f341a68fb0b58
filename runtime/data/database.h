/*
 * A database as one worker has it open: a reference to the shared store, and the worker's own read-only connection, on
 * which short reads run inline, on the loop's thread.
 *
 *   a statement: reads, and is not known to be slow -> inline, within RL_LIMIT_SQL_INLINE_US
 *                   over the budget, or SQLITE_BUSY -> run again on a reader thread, and remembered as slow
 *                writes                             -> the writer
 */
#ifndef RL_DATA_DATABASE_H
#define RL_DATA_DATABASE_H

#include "data/sqlite/store.h"

typedef struct rl_database {
  rl_store *store;
  rl_connection reader; /* reader.db is NULL for ":memory:" */
  rl_loop *loop;
  bool closed, read_only; /* a store may be shared with who writes: each handle keeps its own word */
  int busy_timeout_ms;
  unsigned running; /* inline runs under way: one inside another where a finalizer asks */
  uint64_t inline_runs, slow_runs;
} rl_database;

/* 0, or a code with `error`; embedded. */
int rl_database_open(rl_database *database, rl_loop *loop, const char *path, const rl_store_options *options,
                     rl_sql_error *error);
/* Gives the store back; nothing may be sent afterwards. What is under way still comes back; an inline run under way keeps
 * the reader until it ends. */
void rl_database_close(rl_database *database);

/* Where a statement should run. */
typedef enum rl_sql_route { RL_ROUTE_INLINE, RL_ROUTE_READ, RL_ROUTE_WRITE, RL_ROUTE_REFUSED } rl_sql_route;

/* Decides, and for INLINE and READER leaves the prepared statement in *statement (to be ended by rl_database_ran). REFUSED
 * fills in `error`. `one`: several statements in the text are an error. */
rl_sql_route rl_database_place(rl_database *database, rl_slice sql, bool one, rl_statement **statement,
                           rl_sql_error *error);
/* Brackets an inline run: sets the budget, and returns the one before; then ends the statement and notes how long it took.
 * Nothing may be asked of the statement afterwards, nor of the database where it was closed meanwhile. */
uint64_t rl_database_running(rl_database *database);
void rl_database_ran(rl_database *database, rl_statement *statement, bool too_slow, uint64_t budget_before);

/* Sends an operation to the writer, or to a reader thread; op->done and owner are set by the caller. */
void rl_database_send(rl_database *database, rl_op *op, bool read);

#endif
