/* Errors as Lua values; see error.h. */
#include "bind/data/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

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

int rl_raise_sql(lua_State *L, const rl_database_ops *ops, const rl_sql_error *error, const char *where, rl_slice sql) {
  enum { SHOWN = 200 };
  if (error->code == RL_EINVALID) return rl_sql_mistake(L, "%s%s", where, error->message);
  if (error->is_search) return raise_search(L, error);
  lua_pushlstring(L, sql.data ? sql.data : "", sql.len < SHOWN ? sql.len : SHOWN);
  lua_pushfstring(L, sql.len ? "%s%s, in: %s%s" : "%s%s", where, error->message, lua_tostring(L, -1),
                  sql.len > SHOWN ? " …" : "");
  rl_error_push_word(L, rl_error_word(error->code), rl_error_status(error->code), lua_tostring(L, -1));
  if (error->constraint) lua_pushstring(L, error->constraint), lua_setfield(L, -2, "constraint");
  if (error->extended) lua_pushinteger(L, error->extended), lua_setfield(L, -2, ops->name);
  return lua_error(L);
}
