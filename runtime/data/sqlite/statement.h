/*
 * A prepared statement of a connection: taken from its cache or prepared, bound, stepped, given back.
 *
 *   get -> bind -> step … -> end
 */
#ifndef RL_DATA_SQLITE_STATEMENT_H
#define RL_DATA_SQLITE_STATEMENT_H

#include "data/rows.h"
#include "data/sqlite/connection.h"

/* The prepared statement of a text, from the cache; NULL with `error` filled in (code RL_EAGAIN: it is none for a
 * connection that reads, but the writer may run it). Give it back with rl_statement_end. */
rl_statement *rl_statement_get(rl_connection *connection, rl_slice sql, rl_sql_error *error);
/* Binds; the bytes must live until rl_statement_end. RL_EINVALID where number or names do not fit. */
int rl_statement_bind(rl_connection *connection, rl_statement *statement, const rl_sql_params *params,
                      rl_sql_error *error);
/* Fills in `error` after a step that has failed. Returns its code. */
int rl_statement_failed(rl_connection *connection, const rl_statement *statement, int result, rl_sql_error *error);
/* 1: a row; 0: done; else a code with `error` filled in (RL_ETIMEOUT where the budget was exceeded). */
static inline int rl_statement_step(rl_connection *connection, rl_statement *statement, rl_sql_error *error) {
  int result = sqlite3_step(statement->stmt);
  if (result == SQLITE_ROW) return 1;
  return result == SQLITE_DONE ? 0 : rl_statement_failed(connection, statement, result, error);
}
/* Resets it, forgets its parameters. */
void rl_statement_end(rl_connection *connection, rl_statement *statement);

/* Packs column names, and the row under way. 0 or RL_ENOMEM. */
int rl_statement_pack_names(const rl_statement *statement, rl_rows *rows);
int rl_statement_pack_row(rl_statement *statement, rl_rows *rows);
/* Puts the columns' keys of JSON (base/json_keys.h) into rows->names; appends the row under way as JSON to rows->data. 0 or a
 * code with `error`. */
int rl_statement_json_keys(const rl_statement *statement, rl_rows *rows, rl_sql_error *error);
int rl_statement_json_row(rl_statement *statement, rl_rows *rows, rl_sql_error *error);
/* Reads the row under way, borrowed until the next step, and says how many columns it has. Returns NULL if out of memory. */
const rl_value *rl_statement_row(rl_statement *statement, int *columns);

/* Prepares one statement of `sql` that is not kept; *rest is what follows it. *stmt is NULL if there was none (comments).
 * 0 or a code with `error`. The caller finalizes. */
int rl_statement_prepare(rl_connection *connection, rl_slice sql, sqlite3_stmt **stmt, rl_slice *rest,
                         rl_sql_error *error);

#endif
