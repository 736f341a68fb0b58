/* Rows as Lua tables; see rows.h. */
#include "bind/data/rows.h"

#include "base/error.h"
#include "bind/core/core.h"

void rl_push_value(lua_State *L, const rl_value *v) {
  switch (v->type) {
    case RL_VALUE_INTEGER: lua_pushinteger(L, v->integer); break;
    case RL_VALUE_REAL: lua_pushnumber(L, v->real); break;
    case RL_VALUE_TEXT:
    case RL_VALUE_BLOB: rl_push_slice(L, v->bytes); break;
    case RL_VALUE_NULL: lua_pushnil(L); break;
  }
}

static void set_column(lua_State *L, int name, const rl_value *v) {
  if (v->type == RL_VALUE_NULL) return; /* an absent key */
  lua_pushvalue(L, name);
  rl_push_value(L, v);
  lua_rawset(L, -3);
}

/* An empty row; its shape follows the names. */
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

int rl_push_cursor_names(lua_State *L, rl_database *database, const rl_cursor *cursor) {
  int names = lua_gettop(L) + 1;
  luaL_checkstack(L, cursor->columns + 8, "too many columns");
  for (int i = 0; i < cursor->columns; i++)
    if (!lua_pushstring(L, database->ops->column(database, cursor, i))) rl_error_raise(L, RL_ENOMEM, NULL);
  push_shape(L, names, cursor->columns);
  return cursor->columns;
}

int rl_push_packed_names(lua_State *L, const rl_rows *rows) {
  rl_rows_cursor cursor = rl_rows_names(rows);
  int names = lua_gettop(L) + 1;
  luaL_checkstack(L, rows->columns + 8, "too many columns");
  for (int i = 0; i < rows->columns; i++) rl_push_slice(L, rl_rows_next_name(&cursor));
  push_shape(L, names, rows->columns);
  return rows->columns;
}
