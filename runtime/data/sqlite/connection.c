/* Connections; see connection.h. */
#include "data/sqlite/connection.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "data/sqlite/clock.h"

enum { PROGRESS_STEPS = 400 };

/* ---- runs that end early -------------------------------------------------------------------------------------------------------- */

static bool is_set(const atomic_bool *flag) { return flag && atomic_load_explicit(flag, memory_order_relaxed); }

static int on_progress(void *ud) {
  const rl_connection *connection = ud;
  if (is_set(connection->cancelled) || (connection->reads && is_set(connection->closing))) return 1;
  return connection->budget && rl_budget_is_spent(connection->budget);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------ */

int rl_connection_failed(rl_connection *connection, int result, rl_sql_error *error) {
  rl_sqlite_failed(error, connection->db, result);
  return (result & 0xFF) == SQLITE_AUTH ? rl_authorizer_explain(&connection->authorizer, error) : error->code;
}

int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error) {
  int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
  if (result == SQLITE_OK) return RL_OK;
  rl_sqlite_failed(error, connection->db, result);
  if ((result & 0xFF) == SQLITE_BUSY) rl_sqlite_add_holder(error, connection->db);
  return error->code;
}

/* SQLite counts the memory that it uses under a lock that all threads of the process share, and takes it twice for each piece.
 * Connections need no locks of their own: each belongs to one thread. */
static void configure(void) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

int rl_connection_open(rl_connection *connection, const char *path, int flags, rl_sql_error *error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, configure);
  memset(connection, 0, sizeof *connection);
  rl_statement_cache_init(&connection->cache);
  int result =
      sqlite3_open_v2(path, &connection->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, rl_sql_vfs());
  if (result != SQLITE_OK) {
    rl_sqlite_failed(error, connection->db, result);
    rl_connection_close(connection);
    return error->code;
  }
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "x" is a name, never a string */
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  /* Without this FTS5 cannot be used in a trigger, nor, before 3.41, JSON in a CHECK or an index. SQLite recommends against it
   * (https://sqlite.org/security.html) for programs that register functions; here are SQLite's own alone. What it adds for the
   * schema of a stranger's file are functions of JSON, FTS and R-trees, which do no harm, and virtual tables in views and
   * triggers; such a file may give a virtual table the name of a table that the program reads in any case. What could do harm,
   * load_extension and fts3_tokenizer, is for direct use alone. A function of ours would be SQLITE_DIRECTONLY. */
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
  rl_authorizer_watch(&connection->authorizer, connection->db);
  sqlite3_progress_handler(connection->db, PROGRESS_STEPS, on_progress, connection);
  return RL_OK;
}

void rl_connection_close(rl_connection *connection) {
  rl_statement_cache_free(&connection->cache);
  sqlite3_close_v2(connection->db);
  connection->db = NULL;
}

/* ---- state that statements leave --------------------------------------------------------------------------------------- */

void rl_connection_note(rl_connection *connection, const rl_needs *needs) {
  if (needs->temporary) connection->has_temporary = true;
  if (needs->pragma && needs->kind == RL_PRAGMA_INSIDE) connection->has_deferral = true;
}

static void drop_temporary(rl_connection *connection) {
  static const char list[] =
      "SELECT 'DROP ' || type || ' IF EXISTS temp.\"' || replace(name, '\"', '\"\"') || '\"' FROM temp.sqlite_master "
      "WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
  sqlite3_stmt *names = NULL, *drop = NULL;
  while (sqlite3_prepare_v2(connection->db, list, -1, &names, NULL) == SQLITE_OK && sqlite3_step(names) == SQLITE_ROW) {
    int result = sqlite3_prepare_v2(connection->db, (const char *)sqlite3_column_text(names, 0), -1, &drop, NULL);
    sqlite3_finalize(names);
    names = NULL;
    if (result == SQLITE_OK) result = sqlite3_step(drop);
    sqlite3_finalize(drop);
    if (result != SQLITE_DONE) break;
  }
  sqlite3_finalize(names);
}

void rl_connection_tidy(rl_connection *connection) {
  bool trusted = connection->authorizer.trusted;
  connection->authorizer.trusted = true;
  if (connection->has_temporary) drop_temporary(connection);
  if (connection->has_deferral) sqlite3_exec(connection->db, "PRAGMA defer_foreign_keys = OFF", NULL, NULL, NULL);
  connection->has_temporary = connection->has_deferral = false;
  connection->authorizer.trusted = trusted;
}
