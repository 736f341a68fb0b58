/*
 * One SQLite connection. Belongs to one thread.
 *
 *   inline reader (each worker)   read-only, busy_timeout 0, a budget for each run
 *   reader thread                 read-only
 *   writer                        the only one that writes
 *
 * Its statements are run by statement.h; what they may do to it is in authorizer.h.
 */
#ifndef RL_DATA_SQLITE_CONNECTION_H
#define RL_DATA_SQLITE_CONNECTION_H

#include <stdatomic.h>

#include "data/sqlite/cache.h"
#include "data/sqlite/error.h"

typedef struct rl_connection {
  sqlite3 *db;
  rl_statement_cache cache;
  rl_authorizer authorizer;
  rl_budget *budget;            /* ends the run under way when it is spent; NULL: it may take as long as it takes */
  const atomic_bool *cancelled; /* ends the run under way when it becomes true; NULL: nobody asks */
  const atomic_bool
      *closing;       /* the same, for a run that is a read: nobody may wait for its end any more; NULL: never */
  bool reads;         /* the run under way is one */
  bool has_temporary; /* something is TEMP, and goes when its transaction ends */
  bool has_deferral;  /* PRAGMA defer_foreign_keys was said, and not taken back yet */
} rl_connection;

/* Opens `path` with SQLite's flags and the settings every connection has (WAL readers, foreign keys on, extensions off).
 * It waits for nobody until it is told to. 0, or the code with `error` filled in; then nothing is open. */
int rl_connection_open(rl_connection *connection, const char *path, int flags, rl_sql_error *error);
void rl_connection_close(rl_connection *connection);
/* Runs SQL of our own, without parameters and results. */
int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error);

/* Notes the state that a statement has left in the connection … */
void rl_connection_note(rl_connection *connection, const rl_needs *needs);
/* … and takes it back, at the end of its transaction, script or migration: others come after it. */
void rl_connection_tidy(rl_connection *connection);

/* Fills `error` from SQLite's result code, the connection's message and the authorizer's. Returns error->code. */
int rl_connection_failed(rl_connection *connection, int result, rl_sql_error *error);

#endif
