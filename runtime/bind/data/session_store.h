/*
 * Sessions in a table of a database: they survive a restart, can be taken back, and may be as large as RL_LIMIT_SESSION. The
 * key is a hash of the id, so that whoever reads the table can be nobody with it.
 *
 *   rille_sessions(key, data, created, saved, expires, version)      times in seconds since 1970
 *
 * Answers at once if its statement may run inline, else later (session/store.h). Every engine will do (data/database.h). A
 * save now and then takes some of the expired rows along.
 */
#ifndef RL_BIND_DATA_SESSION_STORE_H
#define RL_BIND_DATA_SESSION_STORE_H

#include "data/database.h"
#include "session/store.h"

/* Describes why the database failed (call->fault). `sql` is static; no data: no single statement is at fault. */
typedef struct rl_session_fault {
  rl_sql_error error;
  rl_slice sql;
} rl_session_fault;

/* `*database` is borrowed and read at each step: NULL once it was closed. The table is there. Returns NULL if out of memory. */
rl_session_store *rl_session_database_new(rl_database *const *database);

#endif
