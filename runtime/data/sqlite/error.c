/* Errors as SQLite tells them; see error.h. */
#define _GNU_SOURCE
#include "data/sqlite/error.h"

#include <stdio.h>
#include <string.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/os_error.h"
#include "data/sqlite/locks.h"

static int code_of(int result) {
  switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return RL_EBUSY;
    case SQLITE_FULL: return RL_EFULL;
    case SQLITE_NOMEM: return RL_ENOMEM;
    case SQLITE_INTERRUPT: return RL_ETIMEOUT;
    default: return RL_ESQL;
  }
}

/* Returns the errno of a failed call. SQLite does not keep that of a COMMIT: then it is asked of the files. */
static int reason_of(sqlite3 *db, int result) {
  static const int files[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
  int reason = db ? sqlite3_system_errno(db) : 0;
  for (size_t i = 0; db && !reason && result == SQLITE_IOERR_WRITE && i < sizeof files / sizeof *files; i++) {
    sqlite3_file *file = NULL;
    sqlite3_file_control(db, "main", files[i], &file);
    if (file && file->pMethods) file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &reason);
  }
  return reason;
}

/* Adds why a file cannot be opened or written, which SQLite's message leaves out. */
static void add_reason(rl_sql_error *error, sqlite3 *db, int result) {
  int reason = reason_of(db, result);
  size_t len = strlen(error->message);
  if (((result & 0xFF) != SQLITE_CANTOPEN && (result & 0xFF) != SQLITE_IOERR) || !reason) return;
  int out = rl_descriptors_check_errno(reason);
  if (out) error->code = out;
  else if (rl_error_from_errno(reason) == RL_EFULL) error->code = RL_EFULL; /* a limit of the process's, a quota */
  snprintf(error->message + len, sizeof error->message - len, " (%s)", out ? rl_error_text(out) : strerror(reason));
}

void rl_sqlite_add_holder(rl_sql_error *error, sqlite3 *db) {
  char name[32];
  size_t len = strlen(error->message);
  pid_t pid = db ? rl_locks_holder(sqlite3_db_filename(db, "main"), name, sizeof name) : 0;
  if (pid) snprintf(error->message + len, sizeof error->message - len, " (process %ld, %s)", (long)pid, name);
}

/* The names that a program asks for. */
static const char *constraint_name(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE: return "unique";
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return "primary_key";
    case SQLITE_CONSTRAINT_NOTNULL: return "not_null";
    case SQLITE_CONSTRAINT_FOREIGNKEY: return "foreign_key";
    case SQLITE_CONSTRAINT_CHECK: return "check";
    case SQLITE_CONSTRAINT_TRIGGER: return "trigger";
    default: return (extended & 0xFF) == SQLITE_CONSTRAINT ? "other" : NULL;
  }
}

void rl_sqlite_set_extended(rl_sql_error *error, int extended) {
  error->extended = extended;
  error->constraint = constraint_name(extended);
}

int rl_sqlite_failed(rl_sql_error *error, sqlite3 *db, int result) {
  *error = (rl_sql_error){.code = code_of(result)};
  rl_sqlite_set_extended(error, db ? sqlite3_extended_errcode(db) : result);
  error->offset = db ? sqlite3_error_offset(db) : -1;
  snprintf(error->message, sizeof error->message, "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
  add_reason(error, db, result);
  return error->code;
}

/* ---- full-text search -------------------------------------------------------------------------------------------------- */

static bool mentions_match(rl_slice sql) {
  for (size_t i = 0; i + 5 <= sql.len; i++)
    if (rl_slice_eq_nocase(rl_slice_of(sql.data + i, 5), RL_SLICE("match"))) return true;
  return false;
}

/* The messages of FTS5 and FTS4 for a query that is malformed, which they find while the statement runs. Another column that
 * is missing is the program's fault. */
static bool is_search(const rl_sql_error *error, rl_slice sql) {
  static const char *const messages[] = {"fts5",
                                         "unterminated string",
                                         "unknown special query",
                                         "expected integer, got",
                                         "malformed MATCH expression",
                                         "no such column: "};
  if (error->extended != SQLITE_ERROR || !sql.data || !mentions_match(sql)) return false;
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    if (strncmp(error->message, messages[i], strlen(messages[i])) == 0) return true;
  return false;
}

void rl_sqlite_set_running(rl_sql_error *error, rl_slice sql) {
  error->running = true;
  error->is_search = is_search(error, sql);
}
