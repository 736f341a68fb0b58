/* Errors as Lua values; see error.h. */
#include "bind/data/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "data/excerpt.h"

int rl_sql_mistake(lua_State *L, const char *format, ...) {
  char message[768];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  luaL_checkstack(L, 8, NULL);
  return rl_error_mistake(L, "%s", message);
}

static int raise_search(lua_State *L, const rl_sql_error *error) {
  lua_pushfstring(L, "the text to search for is no query: %s", error->message);
  rl_error_push_word(L, "search", 400, lua_tostring(L, -1));
  return lua_error(L);
}

/* ---- the place ------------------------------------------------------------------------------------------------------- */

/* What failed: a statement, and the text that it is a part of. */
typedef struct source {
  rl_slice sql, text; /* no data: nothing in particular */
  int offset;         /* of the token at fault in `sql`; -1: not known */
  bool is_file;       /* the text is one: its line says something in any case */
} source;

static bool has_place(const source *s) {
  return s->sql.data && (s->offset >= 0 || s->is_file || s->sql.len < s->text.len);
}

static const char *place_of(const source *s) { return s->sql.data + (s->offset > 0 ? s->offset : 0); }

/* Pushes ", in line 2, column 8:" with the line; ", in: " and the statement where that is all that is known; or "". */
static void push_place(lua_State *L, const source *s) {
  char excerpt[RL_EXCERPT_SIZE];
  if (!s->sql.len) {
    lua_pushliteral(L, "");
  } else if (!has_place(s)) {
    rl_excerpt_of_text(excerpt, s->sql);
    lua_pushfstring(L, ", in: %s", excerpt);
  } else {
    rl_excerpt_place place = rl_excerpt_place_of(s->text, place_of(s));
    rl_excerpt_of_line(excerpt, s->text, place_of(s), s->offset >= 0);
    lua_pushfstring(L, ", in line %d", (int)place.line);
    if (s->offset >= 0) lua_pushfstring(L, ", column %d:\n%s", (int)place.column, excerpt);
    else lua_pushfstring(L, ":\n%s", excerpt);
    lua_concat(L, 2);
  }
}

/* ---- the value ------------------------------------------------------------------------------------------------------- */

static void set_slice(lua_State *L, const char *field, rl_slice value) {
  if (!value.len) return;
  rl_push_slice(L, value);
  lua_setfield(L, -2, field);
}

static void set_integer(lua_State *L, const char *field, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, field);
}

/* The error is on top. */
static void set_place(lua_State *L, const source *s) {
  set_slice(L, "statement", s->sql);
  if (!has_place(s)) return;
  rl_excerpt_place place = rl_excerpt_place_of(s->text, place_of(s));
  set_integer(L, "line", (lua_Integer)place.line);
  if (s->offset >= 0) set_integer(L, "column", (lua_Integer)place.column);
}

static void set_code(lua_State *L, const rl_database_ops *ops, const rl_sql_error *error) {
  char field[32];
  set_slice(L, "sqlstate", rl_slice_str(error->state));
  set_slice(L, "violation", rl_slice_str(error->violation));
  set_slice(L, "constraint", rl_sql_error_constraint(error));
  if (!error->extended) return;
  set_integer(L, ops->name, error->extended);
  snprintf(field, sizeof field, "%s_name", ops->name);
  set_slice(L, field, rl_slice_str(error->name));
}

/* Pushes the error. The beginning of its message is on top. */
static void push_error(lua_State *L, const rl_database_ops *ops, const rl_sql_error *error, const source *s) {
  lua_pushstring(L, error->message);
  push_place(L, s);
  lua_concat(L, 3);
  rl_error_push_word(L, rl_error_word(error->code), rl_error_status(error->code), lua_tostring(L, -1));
  set_code(L, ops, error);
  set_place(L, s);
}

int rl_raise_sql(lua_State *L, const rl_database_ops *ops, const rl_sql_error *error, const char *where, rl_slice sql) {
  luaL_checkstack(L, 12, NULL);
  if (error->code == RL_EINVALID) return rl_sql_mistake(L, "%s%s", where, error->message);
  if (error->is_search) return raise_search(L, error);
  lua_pushstring(L, where);
  push_error(L, ops, error, &(source){.sql = sql, .text = sql, .offset = error->offset});
  return lua_error(L);
}

/* ---- operations ------------------------------------------------------------------------------------------------------ */

static source source_of(const rl_op *op) {
  source s = {.sql = op->failed, .text = op->failed, .offset = op->error.offset};
  rl_slice text = op->at < op->count ? op->statements[op->at].sql : RL_SLICE_NONE;
  if (text.data && s.sql.data >= text.data && s.sql.data <= text.data + text.len) s.text = text;
  return s;
}

/* An error of a file is not one of the caller's line. */
static int raise_migration(lua_State *L, const rl_database_ops *ops, const rl_op *op) {
  rl_sql_error error = op->error;
  source s = source_of(op);
  s.is_file = true;
  rl_slice name = op->statements[op->at].name;
  if (error.code == RL_EINVALID) error.code = RL_ESQL;
  rl_push_slice(L, name);
  lua_pushfstring(L, "migration %s: ", lua_tostring(L, -1));
  push_error(L, ops, &error, &s);
  set_slice(L, "migration", name);
  return lua_error(L);
}

int rl_raise_op(lua_State *L, const rl_database_ops *ops, const rl_op *op) {
  char where[32] = "";
  source s = source_of(op);
  luaL_checkstack(L, 12, NULL);
  if (op->kind == RL_OP_MIGRATE && op->in_migration) return raise_migration(L, ops, op);
  if (op->kind == RL_OP_BATCH && op->failed.data) snprintf(where, sizeof where, "batch: item %d: ", op->at + 1);
  if (op->error.code == RL_EINVALID || op->error.is_search) return rl_raise_sql(L, ops, &op->error, where, op->failed);
  lua_pushstring(L, where);
  push_error(L, ops, &op->error, &s);
  return lua_error(L);
}
