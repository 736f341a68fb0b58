/* Preparing, binding and stepping; see statement.h. */
#include "data/sqlite/statement.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_keys.h"
#include "data/row_json.h"
#include "data/sqlite/sql.h"

int rl_statement_prepare(rl_connection *connection, rl_slice sql, sqlite3_stmt **stmt, rl_slice *rest,
                         rl_sql_error *error) {
  const char *tail = sql.data;
  *stmt = NULL;
  rl_authorizer_reset(&connection->authorizer);
  int result = sqlite3_prepare_v3(connection->db, sql.data, (int)sql.len + 1, SQLITE_PREPARE_PERSISTENT, stmt, &tail);
  *rest = rl_slice_of(tail, sql.len - (size_t)(tail - sql.data));
  if (result != SQLITE_OK) {
    rl_connection_failed(connection, result, error);
    rl_sqlite_locate(error, sql);
    return error->code;
  }
  if (!*stmt) return RL_OK;
  int code = rl_authorizer_accept(&connection->authorizer, *stmt, error);
  if (code) sqlite3_finalize(*stmt), *stmt = NULL;
  return code;
}

static rl_statement *prepare(rl_connection *connection, rl_slice sql, rl_sql_error *error) {
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
  s->exact = true; /* it may be count(*) of something large */
  s->readonly = sqlite3_stmt_readonly(s->stmt) != 0;
  s->has_tail = rl_sql_skip_blank(rest).len > 0;
  s->needs = connection->authorizer.needs;
  return s;
}

rl_statement *rl_statement_get(rl_connection *connection, rl_slice sql, rl_sql_error *error) {
  rl_statement *s = rl_statement_cache_find(&connection->cache, sql);
  if (!s) {
    s = prepare(connection, sql, error);
    if (!s) return NULL;
    rl_statement_cache_add(&connection->cache, s);
  } else if (rl_authorizer_check(&connection->authorizer, &s->needs, error)) {
    return NULL;
  }
  rl_statement_cache_touch(&connection->cache, s);
  s->in_use = true;
  return s;
}

void rl_statement_end(rl_connection *connection, rl_statement *s) {
  sqlite3_reset(s->stmt);
  sqlite3_clear_bindings(s->stmt);
  s->in_use = s->is_short = false;
  rl_connection_note(connection, &s->needs);
  if (s->needs.pragma && s->needs.kind != RL_PRAGMA_ASKS)
    rl_statement_cache_forget(&connection->cache, s); /* it acts while it is prepared */
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
  for (int i = 0; i < params->count - params->unnamed; i++)
    if (rl_slice_eq(params->names[i], rl_slice_str(name + 1))) return &params->values[i];
  return NULL;
}

static int bind_named(rl_statement *s, const rl_sql_params *params, int wanted, rl_sql_error *error) {
  int next = params->count - params->unnamed; /* without a name */
  for (int i = 1; i <= wanted; i++) {
    const char *name = sqlite3_bind_parameter_name(s->stmt, i);
    bool named = name && *name != '?';
    if (!named && next == params->count)
      return rl_sql_refused(error, RL_EINVALID, "parameter %d is a '?', but names were given", i);
    const rl_value *value = named ? find_named(params, name) : &params->values[next++];
    if (!value) return rl_sql_refused(error, RL_EINVALID, "no value for the parameter %s", name);
    if (bind_value(s->stmt, i, value))
      return rl_sql_refused(error, RL_ETOOBIG, "the value of %s is too large", named ? name : "a list");
  }
  return RL_OK;
}

#define LIST_HINT " (a table gives its items to as many ?: for IN (?) write rille.list(values))"

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

int rl_statement_failed(rl_connection *connection, const rl_statement *s, int result, rl_sql_error *error) {
  rl_connection_failed(connection, result, error);
  rl_sqlite_set_running(error, rl_slice_of(s->sql, s->sql_len));
  return error->code;
}

/* Notes that memory was short if a value has no bytes: SQLite could not convert it. */
static rl_slice bytes_of(rl_statement *s, sqlite3_value *value, const void *data) {
  size_t len = (size_t)sqlite3_value_bytes(value);
  if (!data && (len || sqlite3_value_type(value) == SQLITE_TEXT)) s->is_short = true;
  return data ? rl_slice_of(data, len) : RL_SLICE_NONE;
}

static inline void read_value(rl_statement *s, sqlite3_value *value, rl_value *out) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      out->type = RL_VALUE_INTEGER;
      out->integer = sqlite3_value_int64(value);
      return;
    case SQLITE_FLOAT:
      out->type = RL_VALUE_REAL;
      out->real = sqlite3_value_double(value);
      return;
    case SQLITE_TEXT:
      out->type = RL_VALUE_TEXT;
      out->bytes = bytes_of(s, value, sqlite3_value_text(value));
      return;
    case SQLITE_BLOB:
      out->type = RL_VALUE_BLOB;
      out->bytes = bytes_of(s, value, sqlite3_value_blob(value));
      return;
    default: out->type = RL_VALUE_NULL;
  }
}

/* A change of the schema may have given the statement more columns. */
static bool make_room(rl_statement *s, int columns) {
  rl_value *row = rl_realloc(s->row, (size_t)columns * sizeof *row);
  if (!row) return false;
  s->row = row;
  s->row_room = columns;
  return true;
}

/* Returns how far apart the values of the row under way are, if they stand side by side; else 0. */
static size_t measure_values(rl_statement *s, int columns) {
  const char *first = (const char *)sqlite3_column_value(s->stmt, 0);
  if (columns < 2) return sizeof first; /* of one there is no other */
  size_t size = (size_t)((const char *)sqlite3_column_value(s->stmt, 1) - first);
  for (int i = 2; i < columns; i++)
    if ((const char *)sqlite3_column_value(s->stmt, i) != first + (size_t)i * size) return 0;
  return size;
}

/* Makes room for a row, and asks for each of its values. */
static __attribute__((noinline)) const rl_value *first_row(rl_statement *s, int columns) {
  if (columns > s->row_room && !make_room(s, columns)) return NULL;
  for (int i = 0; i < columns; i++) read_value(s, sqlite3_column_value(s->stmt, i), &s->row[i]);
  s->value_size = measure_values(s, columns);
  s->measured = columns;
  return s->is_short ? NULL : s->row;
}

/* By sqlite3_column_value, which locks the connection once for each column; that a value is unprotected does no harm, because one
 * thread alone uses the connection. SQLite keeps the values of a row in one array, its registers. So where the first row has shown
 * that, later ones are asked for their first value alone: 4 % of the instructions of 20 rows. */
const rl_value *rl_statement_row(rl_statement *s, int *columns) {
  int count = *columns = sqlite3_column_count(s->stmt);
  if (count != s->measured || !s->value_size) return first_row(s, count);
  char *at = (char *)sqlite3_column_value(s->stmt, 0);
  for (rl_value *to = s->row, *end = to + count; to < end; to++, at += s->value_size)
    read_value(s, (sqlite3_value *)(void *)at, to);
  return s->is_short ? NULL : s->row;
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
  int columns;
  const rl_value *row = rl_statement_row(s, &columns);
  const rl_value none = {.type = RL_VALUE_NULL}; /* a change of the schema has taken a column away */
  if (!row) return RL_ENOMEM;
  for (int i = 0; i < rows->columns; i++)
    if (rl_rows_add(rows, i < columns ? &row[i] : &none)) return RL_ENOMEM;
  rows->count++;
  return RL_OK;
}

int rl_statement_json_keys(const rl_statement *s, rl_rows *rows, rl_sql_error *error) {
  int columns = sqlite3_column_count(s->stmt), code = RL_OK;
  for (int i = 0; i < columns && !code; i++) {
    const char *name = sqlite3_column_name(s->stmt, i);
    code = name ? rl_json_keys_add(&rows->names, rl_slice_str(name)) : RL_ENOMEM;
  }
  if (code == RL_EUTF8) return rl_sql_refused(error, RL_EINVALID, "the name of a column is not UTF-8");
  if (code) return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  rows->columns = columns;
  return rl_row_keys_check(rl_buf_slice(&rows->names), error);
}

int rl_statement_json_row(rl_statement *s, rl_rows *rows, rl_sql_error *error) {
  int columns;
  const rl_value *row = rl_statement_row(s, &columns);
  if (!row) return rl_sql_refused(error, RL_ENOMEM, "out of memory");
  if (columns < rows->columns) return rl_sql_refused(error, RL_ESQL, "the schema was changed during the read");
  rows->count++;
  return rl_row_json_add(&rows->data, rl_buf_slice(&rows->names), row, error);
}
