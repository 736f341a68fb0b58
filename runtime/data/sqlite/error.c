/* Errors as SQLite tells them; see error.h. */
#define _GNU_SOURCE
#include "data/sqlite/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/os_error.h"
#include "data/sqlite/code.h"
#include "data/sqlite/locks.h"
#include "data/sqlite/sql.h"

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
  else if (rl_error_from_errno(reason) == RL_EFULL)
    error->code = RL_EFULL, error->state = "53100"; /* a limit of the process's, a quota */
  snprintf(error->message + len, sizeof error->message - len, " (%s)", out ? rl_error_text(out) : strerror(reason));
}

void rl_sqlite_add_holder(rl_sql_error *error, sqlite3 *db) {
  char name[32];
  size_t len = strlen(error->message);
  pid_t pid = db ? rl_locks_holder(sqlite3_db_filename(db, "main"), name, sizeof name) : 0;
  if (pid) snprintf(error->message + len, sizeof error->message - len, " (process %ld, %s)", (long)pid, name);
}

void rl_sqlite_add_wait(rl_sql_error *error, sqlite3 *db, uint64_t from_ns) {
  rl_sqlite_add_holder(error, db);
  size_t len = strlen(error->message);
  if (from_ns)
    snprintf(error->message + len, sizeof error->message - len, ", waited %.1f s",
             (double)(uv_hrtime() - from_ns) / 1e9);
}

/* ---- constraints ----------------------------------------------------------------------------------------------------- */

static const char *violation_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE: return "unique";
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return "primary_key";
    case SQLITE_CONSTRAINT_NOTNULL: return "not_null";
    case SQLITE_CONSTRAINT_FOREIGNKEY: return "foreign_key";
    case SQLITE_CONSTRAINT_CHECK: return "check";
    case SQLITE_CONSTRAINT_TRIGGER: return "trigger";
    case SQLITE_CONSTRAINT_DATATYPE: return "datatype";
    default: return (extended & 0xFF) == SQLITE_CONSTRAINT ? "other" : NULL;
  }
}

static bool names_constraint(int extended) {
  return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
         extended == SQLITE_CONSTRAINT_ROWID || extended == SQLITE_CONSTRAINT_NOTNULL ||
         extended == SQLITE_CONSTRAINT_CHECK;
}

/* "UNIQUE constraint failed: t.a, t.b", "… failed: index 'by_name'". One that was cut is none. */
static rl_slice constraint_in(const rl_sql_error *error) {
  static const char before[] = " constraint failed: ", index[] = "index '";
  const char *at = names_constraint(error->extended) ? strstr(error->message, before) : NULL;
  if (!at || strlen(error->message) + 1 >= sizeof error->message) return RL_SLICE_NONE;
  rl_slice name = rl_slice_str(at + sizeof before - 1);
  bool quoted =
      name.len >= sizeof index && rl_slice_starts(name, rl_slice_str(index)) && name.data[name.len - 1] == '\'';
  return quoted ? rl_slice_of(name.data + sizeof index - 1, name.len - sizeof index) : name;
}

void rl_sqlite_set_extended(rl_sql_error *error, int extended) {
  error->extended = extended;
  error->name = rl_sqlite_code_name(extended);
  error->state = rl_sqlite_code_state(extended, error->message);
  error->violation = violation_of(extended);
  rl_slice name = constraint_in(error);
  error->constraint_at = name.len ? (uint16_t)(name.data - error->message) : 0;
  error->constraint_len = (uint16_t)name.len;
}

/* A statement that is wrong is told by SQLITE_SCHEMA too, where the schema was rolled back before it: by its own message. */
static int code_told(sqlite3 *db, int result) {
  int extended = db ? sqlite3_extended_errcode(db) : result;
  bool wrong = db && extended == SQLITE_SCHEMA && strcmp(sqlite3_errmsg(db), sqlite3_errstr(SQLITE_SCHEMA)) != 0;
  return wrong ? SQLITE_ERROR : extended;
}

int rl_sqlite_failed(rl_sql_error *error, sqlite3 *db, int result) {
  rl_sql_refused(error, code_of(result), "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
  rl_sqlite_set_extended(error, code_told(db, result));
  if (db && (error->extended & 0xFF) == SQLITE_ERROR) error->offset = sqlite3_error_offset(db);
  add_reason(error, db, result);
  return error->code;
}

/* ---- places ------------------------------------------------------------------------------------------------------------ */

/* What a message says before the name that it is about. */
static const char *const before_names[] = {"no such table: ",
                                           "no such column: ",
                                           "no such function: ",
                                           "no such index: ",
                                           "no such view: ",
                                           "no such trigger: ",
                                           "no such module: ",
                                           "ambiguous column name: ",
                                           "duplicate column name: ",
                                           " has no column named ",
                                           "no such collation sequence: "};

/* The name that a message is about, without what it is qualified by; empty if it names nothing. */
static rl_slice name_in(const char *message) {
  for (size_t i = 0; i < sizeof before_names / sizeof *before_names; i++) {
    const char *at = strstr(message, before_names[i]);
    if (!at) continue;
    at += strlen(before_names[i]);
    const char *dot = strrchr(at, '.');
    rl_slice name = rl_slice_str(dot ? dot + 1 : at);
    bool quoted = name.len > 2 && *name.data == '"' && name.data[name.len - 1] == '"';
    return quoted ? rl_slice_of(name.data + 1, name.len - 2) : name;
  }
  return RL_SLICE_NONE;
}

static bool is_named(rl_slice token, rl_sql_token_kind kind, rl_slice name) {
  if (kind == RL_SQL_QUOTED && token.len >= 2) token = rl_slice_of(token.data + 1, token.len - 2);
  else if (kind != RL_SQL_WORD) return false;
  return rl_slice_eq_nocase(token, name);
}

/* The place of a name that stands once in a statement, but for where it only qualifies another one; -1 if there is none. */
static int find_name(rl_slice statement, rl_slice name) {
  rl_sql_token_kind kind;
  int found = -1;
  for (rl_slice rest = statement;;) {
    rl_slice token = rl_sql_next_token(&rest, &kind);
    if (kind == RL_SQL_END) return found;
    if (!is_named(token, kind, name) || (rest.len && rest.data[0] == '.')) continue;
    if (found >= 0) return -1;
    found = (int)(token.data - statement.data);
  }
}

/* Returns true if the name stands where SQLite says, perhaps after what it is qualified by. */
static bool stands_at(rl_slice statement, int offset, rl_slice name) {
  rl_sql_token_kind kind;
  rl_slice rest = rl_slice_of(statement.data + offset, statement.len - (size_t)offset);
  for (int i = 0; i < 3; i++) {
    const char *from = rest.data;
    rl_slice token = rl_sql_next_token(&rest, &kind);
    if (token.data != from) return false;
    if (is_named(token, kind, name)) return true;
    if (!rest.len || rest.data[0] != '.') return false;
    rl_slice_skip(&rest, 1);
  }
  return false;
}

static int trimmed_length(rl_slice statement) {
  size_t len = statement.len;
  while (len && (statement.data[len - 1] == ' ' || statement.data[len - 1] == '\n')) len--;
  return (int)len;
}

void rl_sqlite_locate(rl_sql_error *error, rl_slice sql) {
  if ((error->extended & 0xFF) != SQLITE_ERROR || error->running) return;
  if (strcmp(error->message, "incomplete input") == 0) {
    error->offset = trimmed_length(sql);
    return;
  }
  rl_slice statement = rl_sql_first_statement(sql), name = name_in(error->message);
  if (error->offset >= 0 && (size_t)error->offset >= statement.len) error->offset = -1;
  if (!name.len || (error->offset >= 0 && stands_at(statement, error->offset, name))) return;
  error->offset = find_name(statement, name);
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
  error->offset = -1;
  error->is_search = is_search(error, sql);
}
