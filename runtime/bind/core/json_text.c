/*
 * JSON text for Lua: JSON that is written already, and that an encoder copies as it is. A string would be encoded as a string.
 *
 *   rille.json(text)   rille.json { posts = text }   tostring(text)   #text   text == other   text .. "\n"
 *
 * A userdata whose user value is the string, which is valid JSON: only bindings make one.
 */
#include "bind/bind.h"
#include "bind/core/core.h"

static const char name[] = "JSON text";

void rl_push_json_text(lua_State *L) {
  lua_newuserdatauv(L, 0, 1);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  rl_vm_push_ref(L, RL_REF_JSON_TEXT_META);
  lua_setmetatable(L, -2);
}

bool rl_push_json_string(lua_State *L, int index) {
  bool is_one = lua_type(L, index) == LUA_TUSERDATA && rl_vm_has_meta(L, index, RL_REF_JSON_TEXT_META);
  if (is_one) lua_getiuservalue(L, index, 1);
  return is_one;
}

static int text_tostring(lua_State *L) {
  luaL_checkudata(L, 1, name);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int text_len(lua_State *L) {
  text_tostring(L);
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
  return 1;
}

static int text_eq(lua_State *L) {
  bool both = rl_push_json_string(L, 1) && rl_push_json_string(L, 2);
  lua_pushboolean(L, both && lua_rawequal(L, -1, -2));
  return 1;
}

static int text_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__tostring", text_tostring}, {"__len", text_len}, {"__eq", text_eq}, {"__concat", text_concat}, {NULL, NULL}};

void rl_bind_json_text(lua_State *L) {
  rl_new_metatable(L, name);
  luaL_setfuncs(L, metamethods, 0);
  rl_vm_keep_meta(L, RL_REF_JSON_TEXT_META);
}
