/* Rows as Lua tables; see rows.h. */
#include "bind/data/rows.h"

#include "base/error.h"
#include "base/json_keys.h"
#include "base/limits.h"
#include "bind/core/core.h"
#include "bind/data/error.h"
#include "data/row_json.h"
#include "vm/owner.h"

void rl_push_value(lua_State *L, const rl_value *v) {
  switch (v->type) {
    case RL_VALUE_INTEGER: lua_pushinteger(L, v->integer); break;
    case RL_VALUE_REAL: lua_pushnumber(L, v->real); break;
    case RL_VALUE_TEXT:
    case RL_VALUE_BLOB: rl_push_slice(L, v->bytes); break;
    case RL_VALUE_NULL: lua_pushnil(L); break;
  }
}

/* ---- shapes --------------------------------------------------------------------------------------------------------- */

/* What is kept of the columns of a read: a table of their names, and at these places its shape and, once that was needed, their keys
 * of JSON (base/json_keys.h). A program can reach the shape, which is a metatable, and change it; it cannot reach the table, so that
 * its length is the number of columns. */
enum { SHAPE = 0, KEYS = -1 };

/* Pushes the cache. A full one is replaced. */
static void push_cache(lua_State *L, rl_lua_database *d) {
  if (d->shapes && d->shape_count < (int)RL_LIMIT_STATEMENTS) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, d->shapes);
    return;
  }
  lua_newtable(L);
  lua_pushvalue(L, -1);
  if (d->shapes) lua_rawseti(L, LUA_REGISTRYINDEX, d->shapes);
  else d->shapes = luaL_ref(L, LUA_REGISTRYINDEX);
  d->shape_count = 0;
}

void rl_forget_shapes(lua_State *L, rl_lua_database *d) {
  if (d->shapes) luaL_unref(L, LUA_REGISTRYINDEX, d->shapes);
  d->shapes = 0;
}

/* Pushes a table of the names on the stack. */
static void push_list(lua_State *L, int names, int columns) {
  lua_createtable(L, columns, 2);
  for (int i = 0; i < columns; i++) lua_pushvalue(L, names + i), lua_rawseti(L, -2, i + 1);
}

static RL_RAISES int refuse_change(lua_State *L) {
  rl_error_mistake(
      L,
      "the metatable of a row cannot be changed, because all rows of its statement have it, also those of later "
      "reads: setmetatable(row, {…}) gives a row one of its own");
}

/* Protects the shape on top of the stack from a program that takes it for one row's metatable. */
static void protect(lua_State *L) {
  if (luaL_newmetatable(L, "rille.shape")) {
    lua_pushcfunction(L, refuse_change);
    lua_setfield(L, -2, "__newindex");
  }
  lua_setmetatable(L, -2);
}

/* Pushes what is kept of the names on the stack. */
static void push_new_columns(lua_State *L, int names, int columns) {
  push_list(L, names, columns);
  push_list(L, names, columns);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&rl_shape_mark);
  lua_rawseti(L, -2, 0);
  protect(L);
  lua_rawseti(L, -2, SHAPE);
}

/* Keeps the columns on top of the stack under the key that stands below the names. */
static void keep_columns(lua_State *L, rl_lua_database *d, int key) {
  push_cache(L, d);
  lua_pushvalue(L, key);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  d->shape_count++;
}

/* Replaces the key on top of the stack by the columns that are kept under it, or returns false and leaves the key. */
static bool find_columns(lua_State *L, rl_lua_database *d) {
  push_cache(L, d);
  lua_pushvalue(L, -2);
  bool found = lua_rawget(L, -2) == LUA_TTABLE;
  if (found) lua_replace(L, -3);
  lua_settop(L, found ? -2 : -3);
  return found;
}

/* Replaces the columns on top of the stack by their names and their shape. */
static int unfold(lua_State *L) {
  int kept = lua_gettop(L), columns = (int)lua_rawlen(L, kept);
  luaL_checkstack(L, columns + 8, "too many columns");
  for (int i = 1; i <= columns; i++) lua_rawgeti(L, kept, i);
  lua_rawgeti(L, kept, SHAPE);
  lua_remove(L, kept);
  return columns;
}

/* Replaces the key on top of the stack by the read's columns, which are new. */
static void make_cursor_columns(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor) {
  int key = lua_gettop(L);
  luaL_checkstack(L, cursor->columns + 16, "too many columns");
  for (int i = 0; i < cursor->columns; i++)
    if (!lua_pushstring(L, db->ops->column(db, cursor, i))) rl_error_raise(L, RL_ENOMEM, NULL);
  push_new_columns(L, key + 1, cursor->columns);
  keep_columns(L, d, key);
  lua_replace(L, key);
  lua_settop(L, key);
}

static void push_cursor_columns(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor) {
  lua_pushinteger(L, (lua_Integer)db->ops->columns_id(db, cursor));
  if (!find_columns(L, d)) make_cursor_columns(L, d, db, cursor);
}

int rl_push_cursor_names(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor) {
  push_cursor_columns(L, d, db, cursor);
  return unfold(L);
}

/* Pushes the keys of JSON of the columns on top of the stack, and keeps them there. They are checked once. */
static void make_keys(lua_State *L) {
  rl_sql_error error = {0};
  rl_buf *keys = rl_scratch_push(L);
  int kept = lua_gettop(L) - 1, columns = (int)lua_rawlen(L, kept), code = RL_OK;
  for (int i = 1; i <= columns && !code; i++, lua_pop(L, 1)) {
    rl_slice name;
    lua_rawgeti(L, kept, i);
    name.data = lua_tolstring(L, -1, &name.len);
    code = rl_json_keys_add(keys, name);
  }
  if (code == RL_EUTF8) rl_sql_refused(&error, RL_EINVALID, "the name of a column is not UTF-8");
  else if (!code) rl_row_keys_check(rl_buf_slice(keys), &error);
  if (error.code) {
    rl_scratch_give(keys);
    rl_sql_mistake(L, "%s", error.message);
  }
  rl_scratch_result(L, keys, code);
  lua_pushvalue(L, -1);
  lua_rawseti(L, kept, KEYS);
  lua_replace(L, kept + 1);
  lua_settop(L, kept + 1);
}

rl_slice rl_push_cursor_keys(lua_State *L, rl_lua_database *d, rl_database *db, const rl_cursor *cursor) {
  rl_slice keys = RL_SLICE_NONE;
  push_cursor_columns(L, d, db, cursor);
  if (lua_rawgeti(L, -1, KEYS) != LUA_TSTRING) {
    lua_pop(L, 1);
    make_keys(L);
  }
  keys.data = lua_tolstring(L, -1, &keys.len);
  return keys;
}

static void make_packed_columns(lua_State *L, rl_lua_database *d, const rl_rows *rows) {
  rl_rows_cursor cursor = rl_rows_names(rows);
  int key = lua_gettop(L);
  luaL_checkstack(L, rows->columns + 16, "too many columns");
  for (int i = 0; i < rows->columns; i++) rl_push_slice(L, rl_rows_next_name(&cursor));
  push_new_columns(L, key + 1, rows->columns);
  keep_columns(L, d, key);
  lua_replace(L, key);
  lua_settop(L, key);
}

int rl_push_packed_names(lua_State *L, rl_lua_database *d, const rl_rows *rows) {
  rl_push_slice(L, rl_buf_slice(&rows->names));
  if (!find_columns(L, d)) make_packed_columns(L, d, rows);
  return unfold(L);
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static inline void set_column(lua_State *L, int name, const rl_value *v) {
  if (v->type == RL_VALUE_NULL) return; /* an absent key */
  lua_pushvalue(L, name);
  rl_push_value(L, v);
  lua_rawset(L, -3);
}

/* An empty row; its shape follows the names. */
static inline void push_row(lua_State *L, int names, int columns) {
  lua_createtable(L, 0, columns);
  lua_pushvalue(L, names + columns);
  lua_setmetatable(L, -2);
}

/* A change of the schema between two rows may have added columns, which have no names here. */
void rl_push_cursor_row(lua_State *L, const rl_cursor *cursor, int names, int columns) {
  push_row(L, names, columns);
  for (int i = 0; i < columns && i < cursor->columns; i++) set_column(L, names + i, &cursor->row[i]);
}

void rl_push_packed_row(lua_State *L, rl_rows_cursor *values, int names, int columns) {
  push_row(L, names, columns);
  for (int i = 0; i < columns; i++) {
    rl_value value = rl_rows_next(values);
    set_column(L, names + i, &value);
  }
}

void rl_push_packed_rows(lua_State *L, rl_lua_database *d, const rl_rows *rows) {
  int names = lua_gettop(L) + 1, columns = rl_push_packed_names(L, d, rows);
  rl_rows_cursor values = rl_rows_values(rows);
  lua_createtable(L, rows->count < 1000000 ? (int)rows->count : 0, 0);
  for (size_t i = 0; i < rows->count; i++) {
    rl_push_packed_row(L, &values, names, columns);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  rl_mark_array(L);
}
