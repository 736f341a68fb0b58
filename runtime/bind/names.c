/* Who names what is not there, and what does not fit as an argument; see names.h. */
#include "bind/names.h"

#include <string.h>

#include "vm/error.h"

/* Pushes a function of rille.names; false where that is not loaded (a state that is being furnished). */
static bool push_words(lua_State *L, const char *function) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "rille.names") == LUA_TTABLE) return lua_getfield(L, -1, function) == LUA_TFUNCTION;
  return false;
}

static bool is_ours(const lua_Debug *ar) { return strncmp(ar->source, "=rille/", 7) == 0; }

/* Modules that were installed ask values what they have (a pretty-printer, an assertion), and nil is an answer to them. */
static bool is_installed(const char *source) {
  return strstr(source, "lua_modules/") || strstr(source, "/share/lua/5.");
}

/* ---- fields ------------------------------------------------------------------------------------------------------------------- */

/* Whether what looks for a key is a line of the program. An __index function of ours, in Lua, stands in between. */
static bool program_asks(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sn", &ar);
    if (is_ours(&ar) && ar.name && strcmp(ar.namewhat, "metamethod") == 0) continue;
    return *ar.what != 'C' && !is_ours(&ar) && !is_installed(ar.source);
  }
  return false;
}

int rl_unknown(lua_State *L, const char *what, int key) {
  luaL_checkstack(L, 8, NULL);
  key = lua_absindex(L, key);
  bool is_looked_for = lua_type(L, key) == LUA_TSTRING && strncmp(lua_tostring(L, key), "__", 2) == 0;
  if (is_looked_for || !program_asks(L) || !push_words(L, "unknown")) return lua_pushnil(L), 1;
  lua_pushstring(L, what);
  lua_pushvalue(L, key);
  lua_call(L, 2, 1);
  return rl_error_mistake(L, "%s", lua_tostring(L, -1));
}

/* The __index of a class written in Lua. Upvalues: 1 what it is called, 2 a set of fields that may be absent. */
static int unknown_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_isnil(L, 2) || lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return lua_pushnil(L), 1;
  return rl_unknown(L, lua_tostring(L, lua_upvalueindex(1)), 2);
}

/* unknown(what, absent) -> function(object, key), an __index */
static int l_unknown(lua_State *L) {
  luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushcclosure(L, unknown_index, 2);
  return 1;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------------------ */

static void push_or_nil(lua_State *L, const char *text) {
  if (text) lua_pushstring(L, text);
  else lua_pushnil(L);
}

/* names.argument(function, name, number, why, type, {arguments …}) -> message. The table holds them as they are. */
int rl_argument_refuse(lua_State *L, int arg, const char *why, const char *type) {
  lua_Debug ar;
  int count = lua_gettop(L);
  luaL_checkstack(L, count + 12, NULL);
  if (!lua_getstack(L, 0, &ar)) rl_error_mistake(L, "%s", why ? why : type);
  lua_getinfo(L, "nf", &ar);
  int function = lua_gettop(L);
  if (!push_words(L, "argument"))
    rl_error_mistake(L, "bad argument #%d to '%s' (%s)", arg, ar.name ? ar.name : "?", why ? why : type);
  lua_pushvalue(L, function);
  push_or_nil(L, ar.name);
  lua_pushinteger(L, arg);
  push_or_nil(L, why);
  push_or_nil(L, type);
  lua_createtable(L, count, 1);
  for (int i = 1; i <= count; i++) lua_pushvalue(L, i), lua_rawseti(L, -2, i);
  lua_pushinteger(L, count);
  lua_setfield(L, -2, "n");
  lua_call(L, 6, 1);
  rl_error_mistake(L, "%s", lua_tostring(L, -1));
}

int rl_argument_error(lua_State *L, int arg, const char *why) { rl_argument_refuse(L, arg, why, NULL); }
int rl_argument_type(lua_State *L, int arg, const char *type) { rl_argument_refuse(L, arg, NULL, type); }

const char *rl_argument_string(lua_State *L, int arg, size_t *len) {
  const char *text = lua_tolstring(L, arg, len);
  if (!text) rl_argument_type(L, arg, "string");
  return text;
}

const char *rl_argument_optional_string(lua_State *L, int arg, const char *otherwise, size_t *len) {
  if (!lua_isnoneornil(L, arg)) return rl_argument_string(L, arg, len);
  if (len) *len = otherwise ? strlen(otherwise) : 0;
  return otherwise;
}

lua_Integer rl_argument_integer(lua_State *L, int arg) {
  int exact;
  lua_Integer value = lua_tointegerx(L, arg, &exact);
  if (!exact && lua_isnumber(L, arg)) rl_argument_error(L, arg, "a whole number was expected");
  if (!exact) rl_argument_type(L, arg, "integer");
  return value;
}

lua_Integer rl_argument_optional_integer(lua_State *L, int arg, lua_Integer otherwise) {
  return lua_isnoneornil(L, arg) ? otherwise : rl_argument_integer(L, arg);
}

lua_Number rl_argument_number(lua_State *L, int arg) {
  int exact;
  lua_Number value = lua_tonumberx(L, arg, &exact);
  if (!exact) rl_argument_type(L, arg, "number");
  return value;
}

lua_Number rl_argument_optional_number(lua_State *L, int arg, lua_Number otherwise) {
  return lua_isnoneornil(L, arg) ? otherwise : rl_argument_number(L, arg);
}

void rl_argument_is(lua_State *L, int arg, int type) {
  if (lua_type(L, arg) != type) rl_argument_type(L, arg, lua_typename(L, type));
}

void rl_argument_any(lua_State *L, int arg) {
  if (lua_isnone(L, arg)) rl_argument_type(L, arg, "value");
}

void *rl_argument_userdata(lua_State *L, int arg, const char *type) {
  void *object = luaL_testudata(L, arg, type);
  if (!object) rl_argument_type(L, arg, type);
  return object;
}

static const luaL_Reg functions[] = {{"unknown", l_unknown}, {NULL, NULL}};

void rl_bind_names(lua_State *L) { luaL_setfuncs(L, functions, 0); }
