/*
 * Errors as SQLite tells them, in the form of data/error.h.
 */
#ifndef RL_DATA_SQLITE_ERROR_H
#define RL_DATA_SQLITE_ERROR_H

#include <sqlite3.h>

#include "base/slice.h"
#include "data/error.h"

/* Fills `error` from SQLite's result code and the connection's message (`db` may be NULL). Returns error->code. */
int rl_sqlite_failed(rl_sql_error *error, sqlite3 *db, int result);
/* Gives an error the code that SQLite has for it, and what follows from that and from its message. */
void rl_sqlite_set_extended(rl_sql_error *error, int extended);
/* Adds which process holds the database, if the system tells: to a message that it is locked. */
void rl_sqlite_add_holder(rl_sql_error *error, sqlite3 *db);
/* … and how long it was waited for, since `from_ns` of uv_hrtime (0: not known). */
void rl_sqlite_add_wait(rl_sql_error *error, sqlite3 *db, uint64_t from_ns);
/* Notes that the error was raised while the statement `sql` ran, and whether a full-text query was at fault. */
void rl_sqlite_set_running(rl_sql_error *error, rl_slice sql);
/* Finds the place in the statement that begins `sql`, where SQLite does not tell it or tells one of another text. */
void rl_sqlite_locate(rl_sql_error *error, rl_slice sql);

#endif
