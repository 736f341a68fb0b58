/* Charsets for Lua; see base/charset.h. */
#include "base/charset.h"

#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"

/* charset_is_known(name) -> boolean */
static int l_charset_is_known(lua_State *L) {
  lua_pushboolean(L, rl_charset_is_known(rl_check_slice(L, 1)));
  return 1;
}

/* charset_decode(bytes, name) -> the text in UTF-8, or nil where the bytes are not of that charset, which is known */
static int l_charset_decode(lua_State *L) {
  rl_slice bytes = rl_check_slice(L, 1), name = rl_check_slice(L, 2);
  luaL_Buffer b;
  long len = rl_charset_to_utf8(bytes, name, NULL);
  if (len == RL_EUTF8) return lua_pushnil(L), 1;
  if (len < 0) return rl_error_raise(L, (int)len, NULL);
  char *out = luaL_buffinitsize(L, &b, (size_t)len);
  len = rl_charset_to_utf8(bytes, name, out);
  if (len < 0) return rl_error_raise(L, (int)len, NULL);
  luaL_pushresultsize(&b, (size_t)len);
  return 1;
}

static const luaL_Reg functions[] = {
    {"charset_decode", l_charset_decode}, {"charset_is_known", l_charset_is_known}, {NULL, NULL}};

void rl_bind_charset(lua_State *L) { luaL_setfuncs(L, functions, 0); }
