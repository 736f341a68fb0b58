/* The log for Lua. */
#include "base/log.h"
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "bind/bind.h"
#include "bind/core/core.h"

enum { MOST_FIELDS = 32 };

/* The value on top as a field; what it needs is left on the stack. */
static rl_log_field field_of(lua_State *L, const char *key) {
  size_t len;
  if (lua_isinteger(L, -1)) return RL_LOG_NUMBER_FIELD(key, lua_tointeger(L, -1));
  if (lua_isboolean(L, -1)) return (rl_log_field){.key = key, .literal = lua_toboolean(L, -1) ? "true" : "false"};
  bool number = lua_isnumber(L, -1) && lua_type(L, -1) == LUA_TNUMBER;
  const char *text = luaL_tolstring(L, -1, &len);
  if (number) return (rl_log_field){.key = key, .literal = text};
  return RL_LOG_TEXT_FIELD(key, rl_slice_of(text, len));
}

/* By name, so that lines of one kind look alike: tables have no order. */
static void sort_fields(rl_log_field *fields, size_t count) {
  for (size_t i = 1; i < count; i++) {
    rl_log_field field = fields[i];
    size_t at = i;
    for (; at > 0 && strcmp(fields[at - 1].key, field.key) > 0; at--) fields[at] = fields[at - 1];
    fields[at] = field;
  }
}

/* log(level, message, fields?) */
static int l_log(lua_State *L) {
  int level = rl_log_level_of(rl_check_slice(L, 1));
  luaL_argcheck(L, level >= 0, 1, "a level is debug, info, warn or error");
  if (!rl_log_wants((rl_log_level)level)) return 0;
  size_t len, count = 0;
  lua_settop(L, 3);
  const char *message = luaL_tolstring(L, 2, &len);
  rl_log_field fields[MOST_FIELDS];
  if (!lua_isnoneornil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checkstack(L, 3 * MOST_FIELDS + 8, "log");
    for (lua_pushnil(L); count < MOST_FIELDS && lua_next(L, 3);) {
      int key = lua_gettop(L) - 1; /* key, value and its text stay on the stack while they are borrowed */
      if (lua_type(L, key) != LUA_TSTRING) return luaL_error(L, "the fields of a log line have names");
      fields[count++] = field_of(L, lua_tostring(L, key));
      lua_pushvalue(L, key);
    }
  }
  sort_fields(fields, count);
  rl_log((rl_log_level)level, rl_slice_of(message, len), fields, count);
  return 0;
}

static const luaL_Reg functions[] = {{"log", l_log}, {NULL, NULL}};

void rl_bind_log(lua_State *L) { luaL_setfuncs(L, functions, 0); }
