/* Connections and their statements; see connection.h. */
#include "data/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"

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

/* SQLite says "unable to open database file" whatever the reason. */
static int ran_out(sqlite3 *db, int result) {
  bool opens = (result & 0xFF) == SQLITE_CANTOPEN || (result & 0xFF) == SQLITE_IOERR;
  return db && opens ? rl_descriptors_check_errno(sqlite3_system_errno(db)) : RL_OK;
}

int rl_sql_failed(rl_sql_error *error, sqlite3 *db, int result) {
  int out = ran_out(db, result);
  error->code = out ? out : code_of(result);
  error->extended = db ? sqlite3_extended_errcode(db) : result;
  if ((result & 0xFF) == SQLITE_AUTH) {
    snprintf(
        error->message, sizeof error->message,
        "BEGIN, COMMIT, SAVEPOINT and ATTACH are not for statements: db:transaction and db:begin open transactions");
    return error->code;
  }
  const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  snprintf(error->message, sizeof error->message, out ? "%s: %s" : "%s", text, rl_error_text(out));
  return error->code;
}

int rl_sql_refused(rl_sql_error *error, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  error->code = code;
  error->extended = 0;
  return code;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

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

static int authorize(void *ud, int action, const char *a, const char *b, const char *c, const char *d) {
  (void)a, (void)b, (void)c, (void)d;
  if (((rl_connection *)ud)->trusted) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return SQLITE_DENY;
    default: return SQLITE_OK;
  }
}

int rl_connection_run(rl_connection *connection, const char *sql, rl_sql_error *error) {
  int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
  return result == SQLITE_OK ? RL_OK : rl_sql_failed(error, connection->db, result);
}

int rl_connection_open(rl_connection *connection, const char *path, int flags, int busy_timeout_ms,
                       rl_sql_error *error) {
  memset(connection, 0, sizeof *connection);
  rl_list_init(&connection->statements);
  int result = sqlite3_open_v2(path, &connection->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (result != SQLITE_OK) {
    rl_sql_failed(error, connection->db, result);
    rl_connection_close(connection);
    return error->code;
  }
  sqlite3_busy_timeout(connection->db, busy_timeout_ms);
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

static bool only_space(const char *text) {
  while (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r' || *text == ';') text++;
  return *text == 0;
}

static rl_statement *prepare(rl_connection *connection, rl_slice sql, uint64_t hash, rl_sql_error *error) {
  rl_statement *s = rl_calloc(1, sizeof *s);
  char *copy = rl_strndup(sql.data, sql.len);
  const char *tail = NULL;
  if (!s || !copy) {
    rl_sql_refused(error, RL_ENOMEM, "out of memory");
  } else if (memchr(sql.data, 0, sql.len)) {
    rl_sql_refused(error, RL_ESQL, "the statement holds a NUL byte");
  } else {
    int result = sqlite3_prepare_v3(connection->db, copy, (int)sql.len + 1, SQLITE_PREPARE_PERSISTENT, &s->stmt, &tail);
    if (result != SQLITE_OK) rl_sql_failed(error, connection->db, result);
    else if (!s->stmt) rl_sql_refused(error, RL_ESQL, "the statement is empty");
  }
  if (!s || !copy || !s->stmt) {
    rl_free(copy);
    rl_free(s);
    return NULL;
  }
  s->sql = copy;
  s->sql_len = sql.len;
  s->hash = hash;
  s->readonly = sqlite3_stmt_readonly(s->stmt) != 0;
  s->has_tail = !only_space(tail);
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
    rl_list_remove(&s->node);
  }
  rl_list *first = connection->statements.next; /* to the front */
  rl_list_push(first, &s->node);
  s->in_use = true;
  return s;
}

void rl_statement_end(rl_connection *connection, rl_statement *s) {
  (void)connection;
  sqlite3_reset(s->stmt);
  sqlite3_clear_bindings(s->stmt);
  s->in_use = false;
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

static const rl_value *find_named(const rl_params *params, const char *name) {
  for (int i = 0; i < params->count; i++)
    if (rl_slice_eq(params->names[i], rl_slice_str(name + 1))) return &params->values[i];
  return NULL;
}

static int bind_named(rl_statement *s, const rl_params *params, int wanted, rl_sql_error *error) {
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

int rl_statement_bind(rl_connection *connection, rl_statement *s, const rl_params *params, rl_sql_error *error) {
  (void)connection;
  int wanted = sqlite3_bind_parameter_count(s->stmt);
  if (params->names) return bind_named(s, params, wanted, error);
  if (wanted != params->count)
    return rl_sql_refused(error, RL_EINVALID, "the statement has %d parameters, %d values were given", wanted,
                          params->count);
  for (int i = 0; i < wanted; i++)
    if (bind_value(s->stmt, i + 1, &params->values[i]))
      return rl_sql_refused(error, RL_ETOOBIG, "the value of parameter %d is too large", i + 1);
  return RL_OK;
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

int rl_statement_step(rl_connection *connection, rl_statement *s, rl_sql_error *error) {
  int result = sqlite3_step(s->stmt);
  if (result == SQLITE_ROW) return 1;
  return result == SQLITE_DONE ? 0 : rl_sql_failed(error, connection->db, result);
}

rl_value rl_statement_column(const rl_statement *s, int column) {
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
      v.bytes.data = (const char *)sqlite3_column_text(s->stmt, column);
      v.bytes.len = (size_t)sqlite3_column_bytes(s->stmt, column);
      break;
    case SQLITE_BLOB:
      v.type = RL_VALUE_BLOB;
      v.bytes.data = sqlite3_column_blob(s->stmt, column);
      v.bytes.len = (size_t)sqlite3_column_bytes(s->stmt, column);
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

int rl_statement_pack_row(const rl_statement *s, rl_rows *rows) {
  for (int i = 0; i < rows->columns; i++) {
    rl_value v = rl_statement_column(s, i);
    if (rl_rows_add(rows, &v)) return RL_ENOMEM;
  }
  rows->count++;
  return RL_OK;
}
