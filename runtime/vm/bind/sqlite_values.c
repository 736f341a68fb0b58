/* SQL values and rows as Lua values, and back. */
#include <string.h>

#include "base/error.h"
#include "vm/bind/sqlite.h"

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

/* `what` names the parameter in the message. */
static rl_value to_value(lua_State *L, int index, const char *what) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: return bytes_at(L, index, RL_VALUE_TEXT);
    case LUA_TBOOLEAN: return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_toboolean(L, index)};
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) return (rl_value){.type = RL_VALUE_INTEGER, .integer = lua_tointeger(L, index)};
      return (rl_value){.type = RL_VALUE_REAL, .real = lua_tonumber(L, index)};
    case LUA_TNIL: luaL_error(L, "parameter %s is nil: rille.null stands for NULL", what); break;
    default: break;
  }
  if (rl_is_null(L, index)) return (rl_value){.type = RL_VALUE_NULL};
  if (!is_blob(L, index))
    luaL_error(L, "parameter %s is a %s: SQL holds strings, numbers, booleans, rille.null and rille.blob(s)", what,
               luaL_typename(L, index));
  lua_rawgeti(L, index, 1); /* anchored by the table */
  rl_value v = bytes_at(L, -1, RL_VALUE_BLOB);
  lua_pop(L, 1);
  return v;
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

static void number_name(char out[16], int number) { snprintf(out, 16, "%d", number); }

static void read_list(lua_State *L, int table, int count, rl_value *values) {
  char what[16];
  for (int i = 0; i < count; i++) {
    number_name(what, i + 1);
    lua_rawgeti(L, table, i + 1);
    values[i] = to_value(L, lua_gettop(L), what);
    lua_pop(L, 1);
  }
}

static int count_names(lua_State *L, int table) {
  int count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "the keys of a table of parameters are names, or 1, 2, 3 …");
    count++;
  }
  return count;
}

static void read_names(lua_State *L, int table, rl_value *values, rl_slice *names) {
  int i = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), i++) {
    names[i].data = lua_tolstring(L, -2, &names[i].len);
    values[i] = to_value(L, lua_gettop(L), names[i].data);
  }
}

static void read_table(lua_State *L, int table, rl_lua_params *out) {
  int count = (int)lua_rawlen(L, table);
  bool named = count == 0;
  rl_slice *names;
  if (named) count = count_names(L, table);
  rl_value *values = make_room(L, count, out, &names);
  if (named) read_names(L, table, values, names);
  else read_list(L, table, count, values);
  out->params = (rl_params){.values = values, .names = named && count ? names : NULL, .count = count};
}

void rl_check_params(lua_State *L, int first, rl_lua_params *out) {
  char what[16];
  int count = lua_gettop(L) - first + 1;
  luaL_checkstack(L, 8, "parameters");
  if (count == 1 && lua_istable(L, first) && !is_blob(L, first)) {
    read_table(L, first, out);
    return;
  }
  rl_slice *names;
  rl_value *values = make_room(L, count, out, &names);
  for (int i = 0; i < count; i++) {
    number_name(what, i + 1);
    values[i] = to_value(L, first + i, what);
  }
  out->params = (rl_params){.values = values, .count = count};
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

void rl_push_statement_row(lua_State *L, const rl_statement *statement, int names, int columns) {
  lua_createtable(L, 0, columns);
  for (int i = 0; i < columns; i++) set_column(L, names + i, rl_statement_column(statement, i));
}

void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns) {
  lua_createtable(L, 0, columns);
  for (int i = 0; i < columns; i++) set_column(L, names + i, rl_rows_next(values));
}

int rl_push_statement_names(lua_State *L, const rl_statement *statement) {
  int columns = sqlite3_column_count(statement->stmt);
  luaL_checkstack(L, columns + 8, "too many columns");
  for (int i = 0; i < columns; i++) lua_pushstring(L, sqlite3_column_name(statement->stmt, i));
  return columns;
}

int rl_push_packed_names(lua_State *L, const rl_rows *rows) {
  rl_rows_cursor names = rl_rows_names(rows);
  luaL_checkstack(L, rows->columns + 8, "too many columns");
  for (int i = 0; i < rows->columns; i++) rl_push_slice(L, rl_rows_next_name(&names));
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

int rl_raise_sql(lua_State *L, const rl_sql_error *error, rl_slice sql) {
  if (error->code == RL_EINVALID) return luaL_error(L, "%s", error->message); /* a programmer's mistake */
  enum { SHOWN = 200 };
  lua_pushlstring(L, sql.data ? sql.data : "", sql.len < SHOWN ? sql.len : SHOWN);
  lua_pushfstring(L, sql.len ? "%s, in: %s%s" : "%s", error->message, lua_tostring(L, -1), sql.len > SHOWN ? " …" : "");
  rl_error_push_word(L, rl_error_word(error->code), rl_error_status(error->code), lua_tostring(L, -1));
  const char *constraint = constraint_name(error->extended);
  if (constraint) lua_pushstring(L, constraint), lua_setfield(L, -2, "constraint");
  if (error->extended) lua_pushinteger(L, error->extended), lua_setfield(L, -2, "sqlite");
  return lua_error(L);
}
