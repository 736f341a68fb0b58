/* SQL values and rows as Lua values, and back. */
#define _GNU_SOURCE
#include <string.h>

#include "base/error.h"
#include "bind/core/core.h"
#include "bind/data/sqlite.h"

static const char blob_key = 0; /* registry: metatable of rille.blob(s) */

/* ---- parameters ------------------------------------------------------------------------------------------------------------ */

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &blob_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushliteral(L, "rille.blob");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &blob_key);
  }
  lua_setmetatable(L, -2);
  return 1;
}

static bool is_blob(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &blob_key);
  bool same = lua_rawequal(L, -1, -2) && !lua_isnil(L, -1);
  lua_pop(L, 2);
  return same;
}

static rl_value bytes_at(lua_State *L, int index, rl_value_type type) {
  rl_value v = {.type = type};
  v.bytes.data = lua_tolstring(L, index, &v.bytes.len);
  return v;
}

/* Where a value comes from, for messages. */
typedef struct origin {
  const char *where; /* "batch: item 3: ", or "" */
  const char *name;  /* of a parameter, or NULL */
  int number;
} origin;

static int refuse(lua_State *L, const origin *o, const char *why) {
  if (o->name) return rl_sql_mistake(L, "%sparameter %s is %s", o->where, o->name, why);
  return rl_sql_mistake(L, "%sparameter %d is %s", o->where, o->number, why);
}

static int refuse_type(lua_State *L, int index, const origin *o) {
  char why[160];
  if (lua_istable(L, index) && lua_rawlen(L, index))
    return refuse(L, o,
                  "a list, and a ? holds one value: write a ? for each, or IN (SELECT value FROM json_each(?)) with "
                  "rille.json_encode(list)");
  snprintf(why, sizeof why, "a %s: SQL holds strings, numbers, booleans, rille.null and rille.blob(s)",
           luaL_typename(L, index));
  return refuse(L, o, why);
}

static rl_value number_at(lua_State *L, int index, const origin *o) {
  if (lua_isinteger(L, index)) return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_tointeger(L, index)};
  lua_Number number = lua_tonumber(L, index);
  if (number != number) refuse(L, o, "not a number (NaN): SQLite would store NULL");
  return (rl_value){.type = RL_VALUE_REAL, .real = number};
}

/* The string in a blob is pushed: whoever has the table may change it. */
static rl_value blob_at(lua_State *L, int index, const origin *o) {
  if (!is_blob(L, index)) refuse_type(L, index, o);
  lua_rawgeti(L, index, 1);
  if (lua_type(L, -1) != LUA_TSTRING) refuse(L, o, "a blob without its string");
  return bytes_at(L, -1, RL_VALUE_BLOB);
}

static rl_value value_at(lua_State *L, int index, const origin *o) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: return bytes_at(L, index, RL_VALUE_TEXT);
    case LUA_TBOOLEAN: return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_toboolean(L, index)};
    case LUA_TNUMBER: return number_at(L, index, o);
    case LUA_TNIL: refuse(L, o, "nil: rille.null stands for NULL"); break;
    default: break;
  }
  return rl_is_null(L, index) ? (rl_value){.type = RL_VALUE_NULL} : blob_at(L, index, o);
}

/* Room for `count` values, and names: the arrays inside, or a userdata that is pushed. */
static rl_value *make_room(lua_State *L, int count, rl_lua_params *out, rl_slice **names) {
  if (count <= (int)(sizeof out->values / sizeof *out->values)) {
    *names = out->names;
    return out->values;
  }
  size_t values_size = (size_t)count * sizeof(rl_value);
  char *block = lua_newuserdatauv(L, values_size + (size_t)count * sizeof(rl_slice), 0);
  *names = (rl_slice *)(void *)(block + values_size);
  return (rl_value *)(void *)block;
}

static void read_list(lua_State *L, int table, int count, const char *where, rl_value *values) {
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, table, i + 1);
    values[i] = value_at(L, lua_gettop(L), &(origin){.where = where, .number = i + 1});
  }
}

static int refuse_key(lua_State *L, const char *where) {
  return rl_sql_mistake(L, "%sthe keys of a table of parameters are names, or 1, 2, 3 …", where);
}

static int count_names(lua_State *L, int table, const char *where) {
  int count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) refuse_key(L, where);
    count++;
  }
  return count;
}

/* Leaves every name and value on the stack. Reads `count` of them at most: a finalizer may have added one. */
static int read_names(lua_State *L, int table, int count, const char *where, rl_value *values, rl_slice *names) {
  int i = 0;
  for (lua_pushnil(L); i < count && lua_next(L, table); i++) {
    int value = lua_gettop(L);
    if (lua_type(L, value - 1) != LUA_TSTRING) refuse_key(L, where);
    names[i].data = lua_tolstring(L, value - 1, &names[i].len);
    values[i] = value_at(L, value, &(origin){.where = where, .name = names[i].data});
    lua_pushvalue(L, value - 1);
  }
  return i;
}

static void read_table(lua_State *L, int table, const char *where, rl_lua_params *out) {
  int count = (int)lua_rawlen(L, table);
  bool named = count == 0;
  rl_slice *names;
  if (named) count = count_names(L, table, where);
  rl_value *values = make_room(L, count, out, &names);
  luaL_checkstack(L, 3 * count + 8, "too many parameters");
  if (named) count = read_names(L, table, count, where, values, names);
  else read_list(L, table, count, where, values);
  out->params =
      (rl_params){.values = values, .names = named && count ? names : NULL, .count = count, .is_list = !named};
}

static void read_values(lua_State *L, int first, const char *where, rl_lua_params *out) {
  int count = lua_gettop(L) - first + 1;
  rl_slice *names;
  rl_value *values = make_room(L, count, out, &names);
  luaL_checkstack(L, count + 8, "too many parameters");
  for (int i = 0; i < count; i++) values[i] = value_at(L, first + i, &(origin){.where = where, .number = i + 1});
  out->params = (rl_params){.values = values, .count = count};
}

void rl_check_params(lua_State *L, int first, const char *where, rl_lua_params *out) {
  luaL_checkstack(L, 8, "parameters");
  if (lua_gettop(L) == first && lua_istable(L, first) && !is_blob(L, first)) read_table(L, first, where, out);
  else read_values(L, first, where, out);
  out->size = 0;
  for (int i = 0; i < out->params.count; i++) out->size += out->params.values[i].bytes.len;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------- */

void rl_push_value(lua_State *L, rl_value v) {
  switch (v.type) {
    case RL_VALUE_INTEGER: lua_pushinteger(L, v.integer); break;
    case RL_VALUE_REAL: lua_pushnumber(L, v.real); break;
    case RL_VALUE_TEXT:
    case RL_VALUE_BLOB: rl_push_slice(L, v.bytes); break;
    case RL_VALUE_NULL: lua_pushnil(L); break;
  }
}

static void set_column(lua_State *L, int name, rl_value v) {
  if (v.type == RL_VALUE_NULL) return; /* an absent key */
  lua_pushvalue(L, name);
  rl_push_value(L, v);
  lua_rawset(L, -3);
}

/* A row: the shape stands behind the names. */
static void push_row(lua_State *L, int names, int columns) {
  lua_createtable(L, 0, columns);
  lua_pushvalue(L, names + columns);
  lua_setmetatable(L, -2);
}

static void push_shape(lua_State *L, int names, int columns) {
  lua_createtable(L, columns, 1);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&rl_shape_mark);
  lua_rawseti(L, -2, 0);
  for (int i = 0; i < columns; i++) lua_pushvalue(L, names + i), lua_rawseti(L, -2, i + 1);
}

void rl_push_statement_row(lua_State *L, rl_statement *statement, int names, int columns) {
  push_row(L, names, columns);
  for (int i = 0; i < columns; i++) set_column(L, names + i, rl_statement_column(statement, i));
  if (rl_statement_is_short(statement)) rl_error_raise(L, RL_ENOMEM, NULL);
}

void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns) {
  push_row(L, names, columns);
  for (int i = 0; i < columns; i++) set_column(L, names + i, rl_rows_next(values));
}

int rl_push_statement_names(lua_State *L, const rl_statement *statement) {
  int names = lua_gettop(L) + 1, columns = sqlite3_column_count(statement->stmt);
  luaL_checkstack(L, columns + 8, "too many columns");
  for (int i = 0; i < columns; i++)
    if (!lua_pushstring(L, sqlite3_column_name(statement->stmt, i))) rl_error_raise(L, RL_ENOMEM, NULL);
  push_shape(L, names, columns);
  return columns;
}

int rl_push_packed_names(lua_State *L, const rl_rows *rows) {
  rl_rows_cursor cursor = rl_rows_names(rows);
  int names = lua_gettop(L) + 1;
  luaL_checkstack(L, rows->columns + 8, "too many columns");
  for (int i = 0; i < rows->columns; i++) rl_push_slice(L, rl_rows_next_name(&cursor));
  push_shape(L, names, rows->columns);
  return rows->columns;
}

/* ---- errors ------------------------------------------------------------------------------------------------------------------ */

/* Names of the extended codes that a program asks for. */
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

/* What a stranger typed is no query of FTS5 or FTS4: found while the statement runs. Another column that is missing is not
 * theirs. */
static bool is_search(const rl_sql_error *error, rl_slice sql) {
  static const char *const messages[] = {"fts5",
                                         "unterminated string",
                                         "unknown special query",
                                         "expected integer, got",
                                         "malformed MATCH expression",
                                         "no such column: "};
  if (!error->running || error->extended != SQLITE_ERROR || !sql.data || !strcasestr(sql.data, "match")) return false;
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    if (strncmp(error->message, messages[i], strlen(messages[i])) == 0) return true;
  return false;
}

static int raise_search(lua_State *L, const rl_sql_error *error) {
  lua_pushfstring(L, "the text to search for is no query: %s", error->message);
  rl_error_push_word(L, "search", 400, lua_tostring(L, -1));
  return lua_error(L);
}

int rl_raise_sql(lua_State *L, const rl_sql_error *error, const char *where, rl_slice sql) {
  enum { SHOWN = 200 };
  if (error->code == RL_EINVALID) return rl_sql_mistake(L, "%s%s", where, error->message);
  if (is_search(error, sql)) return raise_search(L, error);
  lua_pushlstring(L, sql.data ? sql.data : "", sql.len < SHOWN ? sql.len : SHOWN);
  lua_pushfstring(L, sql.len ? "%s%s, in: %s%s" : "%s%s", where, error->message, lua_tostring(L, -1),
                  sql.len > SHOWN ? " …" : "");
  rl_error_push_word(L, rl_error_word(error->code), rl_error_status(error->code), lua_tostring(L, -1));
  const char *constraint = constraint_name(error->extended);
  if (constraint) lua_pushstring(L, constraint), lua_setfield(L, -2, "constraint");
  if (error->extended) lua_pushinteger(L, error->extended), lua_setfield(L, -2, "sqlite");
  return lua_error(L);
}
