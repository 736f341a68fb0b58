/* Connections and their statements; see connection.h. */
#include "data/sqlite/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/clock.h"
#include "data/sqlite/locks.h"
#include "data/sqlite/sql.h"

enum { PROGRESS_STEPS = 400 };

/* ---- errors --------------------------------------------------------------------------------------------------------- */

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

/* A file that cannot be opened or written: SQLite's message leaves out why. */
static void add_reason(rl_sql_error *error, sqlite3 *db, int result) {
  int reason = db ? sqlite3_system_errno(db) : 0;
  size_t len = strlen(error->message);
  if (((result & 0xFF) != SQLITE_CANTOPEN && (result & 0xFF) != SQLITE_IOERR) || !reason) return;
  int out = rl_descriptors_check_errno(reason);
  if (out) error->code = out;
  snprintf(error->message + len, sizeof error->message - len, " (%s)", out ? rl_error_text(out) : strerror(reason));
}

/* Who holds it, where the system tells. */
void rl_sql_add_holder(rl_sql_error *error, sqlite3 *db) {
  char name[32];
  size_t len = strlen(error->message);
  pid_t pid = db ? rl_locks_holder(sqlite3_db_filename(db, "main"), name, sizeof name) : 0;
  if (pid) snprintf(error->message + len, sizeof error->message - len, " (process %ld, %s)", (long)pid, name);
}

int rl_sql_failed(rl_sql_error *error, sqlite3 *db, int result) {
  *error = (rl_sql_error){.code = code_of(result), .extended = db ? sqlite3_extended_errcode(db) : result};
  error->offset = db ? sqlite3_error_offset(db) : -1;
  snprintf(error->message, sizeof error->message, "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
  add_reason(error, db, result);
  return error->code;
}

int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  error->code = code;
  error->extended = 0;
  error->offset = -1;
  error->running = false;
  return code;
}

/* ---- budgets -------------------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int on_progress(void *ud) {
  rl_connection *connection = ud;
  if (connection->cancelled && atomic_load_explicit(connection->cancelled, memory_order_relaxed)) return 1;
  if (!connection->deadline_ns || now_ns() < connection->deadline_ns) return 0;
  connection->interrupted = true;
  return 1;
}

void rl_connection_budget(rl_connection *connection, uint64_t deadline_ns) {
  connection->deadline_ns = deadline_ns;
  connection->interrupted = false;
}

/* ---- what statements may do with the state of their connection -------------------------------------------------------- */

static int check_function(const char *function, rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING) return RL_EAGAIN;
  if (c == RL_RUNS_LATER || c == RL_RUNS_IN_TRANSACTION || c == RL_RUNS_IN_MIGRATION) return RL_OK;
  const char *field = *function == 'l' ? "last_id (or write INSERT … RETURNING)" : "changes";
  return rl_sql_refused(error, RL_EINVALID,
                        "%s() asks for the last write of a connection that all share: take %s from what db:exec "
                        "returns, or ask inside a transaction",
                        function, field);
}

static int check_temporary(rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING) return RL_EAGAIN;
  if (c != RL_RUNS_READING_ONLY && c != RL_RUNS_SINGLE && c != RL_RUNS_ALONE) return RL_OK;
  return rl_sql_refused(
      error, RL_EINVALID,
      "what is TEMP lasts until the end of a transaction, and is seen in there alone: make it and use it "
      "inside db:transaction");
}

static int refuse_connection_pragma(const char *name, rl_circumstance c, rl_sql_error *error) {
  if (c == RL_RUNS_READING_ONLY)
    return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s: the database is open read-only", name);
  return rl_sql_refused(
      error, RL_EINVALID, "PRAGMA %s cannot be set inside a %s: it runs by itself, with db:exec", name,
      c == RL_RUNS_IN_MIGRATION ? "migration, which is a transaction" : "transaction, script or batch");
}

static int check_pragma(const rl_needs *n, rl_circumstance c, rl_sql_error *error) {
  const char *name = n->pragma->name;
  switch (n->kind) {
    case RL_PRAGMA_ASKS: return RL_OK;
    case RL_PRAGMA_STORED:
      if (c == RL_RUNS_READING_ONLY) return refuse_connection_pragma(name, c, error);
      return c == RL_RUNS_READING ? RL_EAGAIN : RL_OK;
    case RL_PRAGMA_CONNECTION:
      if (c == RL_RUNS_READING) return RL_EAGAIN;
      if (c == RL_RUNS_ALONE || n->asks) return RL_OK;
      if (c == RL_RUNS_IN_MIGRATION && strcmp(name, "legacy_alter_table") == 0) return RL_OK;
      return refuse_connection_pragma(name, c, error);
    case RL_PRAGMA_INSIDE:
      if (c == RL_RUNS_READING) return RL_EAGAIN;
      if (c != RL_RUNS_READING_ONLY && c != RL_RUNS_SINGLE && c != RL_RUNS_ALONE) return RL_OK;
      return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s holds until the end of a transaction: set it inside one",
                            name);
    case RL_PRAGMA_REFUSED: break;
  }
  return rl_sql_refused(error, RL_EINVALID, "PRAGMA %s: %s", name, n->pragma->why);
}

/* 0: it may; RL_EAGAIN: not here, but the writer may know better; RL_EINVALID with `error`. */
static int check_needs(const rl_needs *n, rl_circumstance c, rl_sql_error *error) {
  int code = n->function ? check_function(n->function, c, error) : RL_OK;
  if (!code && n->temporary) code = check_temporary(c, error);
  if (!code && n->pragma) code = check_pragma(n, c, error);
  if (code == RL_EAGAIN) error->code = code;
  return code;
}

/* Refused once the statement is prepared: SQLite has an error of its own for a function that is denied. */
static void note_function(rl_connection *connection, const char *name, const char *within) {
  static const char *const names[] = {"last_insert_rowid", "changes", "total_changes"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (sqlite3_stricmp(name, names[i]) != 0) continue;
    if (within) connection->function_within = names[i]; /* a trigger may: it runs beside the write that it asks about */
    else connection->needs.function = names[i];
  }
}

static int note_pragma(rl_connection *connection, const char *name, const char *value) {
  rl_needs *needs = &connection->needs;
  const rl_pragma *pragma = rl_pragma_find(rl_slice_str(name));
  if (!pragma) return rl_sql_refused(&connection->denial, RL_EINVALID, "there is no PRAGMA %s", name);
  *needs = (rl_needs){.pragma = pragma, .kind = rl_pragma_kind_of(pragma, value), .asks = !value};
  return RL_OK;
}

/* SELECT … FROM pragma_name asks as PRAGMA name does. SQLite prepares that one only when the rows are read. */
static void note_pragma_table(rl_connection *connection, const char *table) {
  static const char prefix[] = "pragma_";
  if (!table || sqlite3_strnicmp(table, prefix, sizeof prefix - 1) != 0) return;
  const rl_pragma *pragma = rl_pragma_find(rl_slice_str(table + sizeof prefix - 1));
  if (!pragma || connection->needs.pragma) return;
  connection->needs.pragma = pragma;
  connection->needs.kind = rl_pragma_kind_of(pragma, NULL);
  connection->needs.asks = true;
}

static void note_dropped(const rl_connection *connection, const char *table) {
  if (!connection->dropped) return;
  rl_buf_clear(connection->dropped);
  rl_buf_add_str(connection->dropped, table);
}

static int authorize(void *ud, int action, const char *a, const char *b, const char *schema, const char *within) {
  rl_connection *connection = ud;
  int code = RL_OK;
  if (connection->trusted) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return SQLITE_DENY;
    case SQLITE_FUNCTION: note_function(connection, b, within); return SQLITE_OK;
    case SQLITE_PRAGMA: code = note_pragma(connection, a, b); break;
    case SQLITE_READ: note_pragma_table(connection, a); return SQLITE_OK;
    case SQLITE_DROP_TABLE: note_dropped(connection, a); return SQLITE_OK;
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW: connection->needs.temporary = true; break;
    case SQLITE_CREATE_TABLE: /* temp.name */
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
      if (!schema || sqlite3_stricmp(schema, "temp") != 0) return SQLITE_OK;
      connection->needs.temporary = true;
      break;
    default: return SQLITE_OK;
  }
  if (!code) code = check_needs(&connection->needs, connection->circumstance, &connection->denial);
  return code ? SQLITE_DENY : SQLITE_OK;
}

int rl_connection_failed(rl_connection *connection, int result, rl_sql_error *error) {
  rl_sql_failed(error, connection->db, result);
  if ((result & 0xFF) != SQLITE_AUTH) return error->code;
  if (connection->denial.code) *error = connection->denial;
  else
    rl_sql_refused(error, RL_ESQL, "%s",
                   connection->circumstance == RL_RUNS_IN_MIGRATION
                       ? "a migration runs in a transaction of its own: BEGIN and COMMIT may stand around all of it, "
                         "SAVEPOINT, ROLLBACK "
                         "and ATTACH nowhere"
                       : "BEGIN, COMMIT, SAVEPOINT and ATTACH are not for statements: db:transaction and db:begin open "
                         "transactions");
  return error->code;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------ */

int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error) {
  int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
  if (result == SQLITE_OK) return RL_OK;
  rl_sql_failed(error, connection->db, result);
  if ((result & 0xFF) == SQLITE_BUSY) rl_sql_add_holder(error, connection->db);
  return error->code;
}

int rl_connection_open(rl_connection *connection, const char *path, int flags, rl_sql_error *error) {
  memset(connection, 0, sizeof *connection);
  rl_list_init(&connection->statements);
  int result =
      sqlite3_open_v2(path, &connection->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, rl_sql_vfs());
  if (result != SQLITE_OK) {
    rl_sql_failed(error, connection->db, result);
    rl_connection_close(connection);
    return error->code;
  }
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "x" is a name, never a string */
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  sqlite3_db_config(connection->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_set_authorizer(connection->db, authorize, connection);
  sqlite3_progress_handler(connection->db, PROGRESS_STEPS, on_progress, connection);
  return RL_OK;
}

static void forget(rl_connection *connection, rl_statement *statement) {
  rl_statement **at = &connection->buckets[statement->hash % RL_STATEMENT_BUCKETS];
  while (*at != statement) at = &(*at)->next;
  *at = statement->next;
  rl_list_remove(&statement->node);
  connection->count--;
  sqlite3_finalize(statement->stmt);
  rl_free(statement->sql);
  rl_free(statement);
}

void rl_connection_close(rl_connection *connection) {
  while (connection->count) forget(connection, RL_CONTAINER(connection->statements.next, rl_statement, node));
  sqlite3_close_v2(connection->db);
  connection->db = NULL;
}

/* ---- statements ------------------------------------------------------------------------------------------------------ */

static rl_statement *find(rl_connection *connection, rl_slice sql, uint64_t hash) {
  for (rl_statement *s = connection->buckets[hash % RL_STATEMENT_BUCKETS]; s; s = s->next)
    if (s->hash == hash && !s->in_use && rl_slice_eq(rl_slice_of(s->sql, s->sql_len), sql)) return s;
  return NULL;
}

int rl_statement_prepare(rl_connection *connection, rl_slice sql, sqlite3_stmt **stmt, rl_slice *rest,
                         rl_sql_error *error) {
  const char *tail = sql.data;
  *stmt = NULL;
  connection->needs = (rl_needs){0};
  connection->function_within = NULL;
  connection->denial.code = 0;
  int result = sqlite3_prepare_v3(connection->db, sql.data, (int)sql.len + 1, SQLITE_PREPARE_PERSISTENT, stmt, &tail);
  *rest = rl_slice_of(tail, sql.len - (size_t)(tail - sql.data));
  if (result != SQLITE_OK) return rl_connection_failed(connection, result, error);
  if (!*stmt || connection->trusted) return RL_OK;
  if (connection->function_within && sqlite3_stmt_readonly(*stmt)) /* no trigger runs: it is a view's or a CTE's */
    connection->needs.function = connection->function_within;
  int code = check_needs(&connection->needs, connection->circumstance, error);
  if (code) sqlite3_finalize(*stmt), *stmt = NULL;
  return code;
}

static rl_statement *prepare(rl_connection *connection, rl_slice sql, uint64_t hash, rl_sql_error *error) {
  rl_statement *s = rl_calloc(1, sizeof *s);
  char *copy = rl_strndup(sql.data, sql.len);
  rl_slice rest = RL_SLICE_NONE;
  if (!s || !copy) rl_sql_refused(error, RL_ENOMEM, "out of memory");
  else if (memchr(sql.data, 0, sql.len)) rl_sql_refused(error, RL_ESQL, "the statement holds a NUL byte");
  else if (rl_statement_prepare(connection, rl_slice_of(copy, sql.len), &s->stmt, &rest, error) == 0 && !s->stmt)
    rl_sql_refused(error, RL_ESQL, "the statement is empty");
  if (!s || !copy || !s->stmt) {
    rl_free(copy);
    rl_free(s);
    return NULL;
  }
  s->sql = copy;
  s->sql_len = sql.len;
  s->hash = hash;
  s->readonly = sqlite3_stmt_readonly(s->stmt) != 0;
  s->has_tail = rl_sql_skip_blank(rest).len > 0;
  s->needs = connection->needs;
  return s;
}

static void keep(rl_connection *connection, rl_statement *s) {
  rl_statement **bucket = &connection->buckets[s->hash % RL_STATEMENT_BUCKETS];
  s->next = *bucket;
  *bucket = s;
  rl_list_init(&s->node);
  connection->count++;
}

/* The least recently used that nobody runs makes room. */
static void make_room(rl_connection *connection) {
  rl_list *node = connection->statements.prev;
  while (connection->count >= RL_LIMIT_STATEMENTS && node != &connection->statements) {
    rl_statement *s = RL_CONTAINER(node, rl_statement, node);
    node = node->prev;
    if (!s->in_use) forget(connection, s);
  }
}

rl_statement *rl_statement_get(rl_connection *connection, rl_slice sql, rl_sql_error *error) {
  uint64_t hash = rl_slice_hash(sql);
  rl_statement *s = find(connection, sql, hash);
  if (!s) {
    s = prepare(connection, sql, hash, error);
    if (!s) return NULL;
    make_room(connection);
    keep(connection, s);
  } else {
    if (check_needs(&s->needs, connection->circumstance, error)) return NULL;
    rl_list_remove(&s->node);
  }
  rl_list *first = connection->statements.next; /* to the front */
  rl_list_push(first, &s->node);
  s->in_use = true;
  return s;
}

void rl_statement_end(rl_connection *connection, rl_statement *s) {
  sqlite3_reset(s->stmt);
  sqlite3_clear_bindings(s->stmt);
  s->in_use = s->is_short = false;
  rl_connection_note(connection, &s->needs);
  if (s->needs.pragma && s->needs.kind != RL_PRAGMA_ASKS) forget(connection, s); /* it acts while it is prepared */
}

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
  bool trusted = connection->trusted;
  connection->trusted = true;
  if (connection->has_temporary) drop_temporary(connection);
  if (connection->has_deferral) sqlite3_exec(connection->db, "PRAGMA defer_foreign_keys = OFF", NULL, NULL, NULL);
  connection->has_temporary = connection->has_deferral = false;
  connection->trusted = trusted;
}

/* ---- parameters ------------------------------------------------------------------------------------------------------ */

static int bind_value(sqlite3_stmt *stmt, int index, const rl_value *v) {
  const char *bytes = v->bytes.data ? v->bytes.data : "";
  switch (v->type) {
    case RL_VALUE_INTEGER: return sqlite3_bind_int64(stmt, index, v->integer);
    case RL_VALUE_REAL: return sqlite3_bind_double(stmt, index, v->real);
    case RL_VALUE_TEXT: return sqlite3_bind_text64(stmt, index, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case RL_VALUE_BLOB: return sqlite3_bind_blob64(stmt, index, bytes, v->bytes.len, SQLITE_STATIC);
    case RL_VALUE_NULL: break;
  }
  return sqlite3_bind_null(stmt, index);
}

static const rl_value *find_named(const rl_sql_params *params, const char *name) {
  for (int i = 0; i < params->count; i++)
    if (rl_slice_eq(params->names[i], rl_slice_str(name + 1))) return &params->values[i];
  return NULL;
}

static int bind_named(rl_statement *s, const rl_sql_params *params, int wanted, rl_sql_error *error) {
  for (int i = 1; i <= wanted; i++) {
    const char *name = sqlite3_bind_parameter_name(s->stmt, i);
    if (!name || *name == '?')
      return rl_sql_refused(error, RL_EINVALID, "parameter %d is a '?', but names were given", i);
    const rl_value *value = find_named(params, name);
    if (!value) return rl_sql_refused(error, RL_EINVALID, "no value for the parameter %s", name);
    if (bind_value(s->stmt, i, value)) return rl_sql_refused(error, RL_ETOOBIG, "the value of %s is too large", name);
  }
  return RL_OK;
}

#define LIST_HINT                                                                                                   \
  " (a table gives its items to as many ?; IN (?) takes one value: write IN (SELECT value FROM json_each(?)) with " \
  "rille.json_encode(list))"

int rl_statement_bind(rl_connection *connection, rl_statement *s, const rl_sql_params *params, rl_sql_error *error) {
  (void)connection;
  int wanted = sqlite3_bind_parameter_count(s->stmt);
  if (params->names) return bind_named(s, params, wanted, error);
  if (wanted != params->count)
    return rl_sql_refused(error, RL_EINVALID, "the statement has %d parameter%s, %d value%s given%s", wanted,
                          wanted == 1 ? "" : "s", params->count, params->count == 1 ? " was" : "s were",
                          params->is_list && wanted == 1 ? LIST_HINT : "");
  for (int i = 0; i < wanted; i++)
    if (bind_value(s->stmt, i + 1, &params->values[i]))
      return rl_sql_refused(error, RL_ETOOBIG, "the value of parameter %d is too large", i + 1);
  return RL_OK;
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

int rl_statement_step(rl_connection *connection, rl_statement *s, rl_sql_error *error) {
  int result = sqlite3_step(s->stmt);
  if (result == SQLITE_ROW) return 1;
  if (result == SQLITE_DONE) return 0;
  rl_connection_failed(connection, result, error);
  error->running = true;
  return error->code;
}

/* Nothing where there is something: SQLite could not bring it into form. */
static rl_slice bytes_of(rl_statement *s, int column, const void *data) {
  if (!data && sqlite3_errcode(sqlite3_db_handle(s->stmt)) == SQLITE_NOMEM) s->is_short = true;
  return data ? rl_slice_of(data, (size_t)sqlite3_column_bytes(s->stmt, column)) : RL_SLICE_NONE;
}

rl_value rl_statement_column(rl_statement *s, int column) {
  rl_value v = {0};
  switch (sqlite3_column_type(s->stmt, column)) {
    case SQLITE_INTEGER:
      v.type = RL_VALUE_INTEGER;
      v.integer = sqlite3_column_int64(s->stmt, column);
      break;
    case SQLITE_FLOAT:
      v.type = RL_VALUE_REAL;
      v.real = sqlite3_column_double(s->stmt, column);
      break;
    case SQLITE_TEXT:
      v.type = RL_VALUE_TEXT;
      v.bytes = bytes_of(s, column, sqlite3_column_text(s->stmt, column));
      break;
    case SQLITE_BLOB:
      v.type = RL_VALUE_BLOB;
      v.bytes = bytes_of(s, column, sqlite3_column_blob(s->stmt, column));
      break;
    default: break;
  }
  return v;
}

int rl_statement_pack_names(const rl_statement *s, rl_rows *rows) {
  int columns = sqlite3_column_count(s->stmt);
  for (int i = 0; i < columns; i++) {
    const char *name = sqlite3_column_name(s->stmt, i);
    if (!name || rl_rows_add_name(rows, rl_slice_str(name))) return RL_ENOMEM;
  }
  return RL_OK;
}

int rl_statement_pack_row(rl_statement *s, rl_rows *rows) {
  for (int i = 0; i < rows->columns; i++) {
    rl_value v = rl_statement_column(s, i);
    if (rl_rows_add(rows, &v)) return RL_ENOMEM;
  }
  rows->count++;
  return s->is_short ? RL_ENOMEM : RL_OK;
}
