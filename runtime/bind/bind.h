/*
 * What the files of vm/bind/ share. Each mirrors a noun: static functions of 5 to 10 lines under a one-line Lua signature,
 * one luaL_Reg, its rl_bind_<noun> last, which adds the functions to the table on top of the stack.
 */
#ifndef RL_BIND_BIND_H
#define RL_BIND_BIND_H

#include "bind/names.h"
#include "vm/error.h"
#include "vm/task/task.h"

/* A string argument as a slice, borrowed as long as the value stays on the stack. */
static inline rl_slice rl_check_slice(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return rl_slice_of(text, len);
}

static inline void rl_push_slice(lua_State *L, rl_slice s) { lua_pushlstring(L, s.len ? s.data : "", s.len); }

/* As luaL_newmetatable, for a name that nothing else has: two kinds of userdata under one would pass for each other. */
static inline void rl_new_metatable(lua_State *L, const char *name) {
  if (!luaL_newmetatable(L, name)) luaL_error(L, "%s is the name of another kind of value", name);
}

/* As luaL_checkudata, for hot paths: the metatable is known by its reference, and no name is looked up. */
static inline void *rl_check_userdata(lua_State *L, int index, int which, const char *name) {
  void *object = lua_touserdata(L, index);
  if (!object || !lua_getmetatable(L, index)) return luaL_checkudata(L, index, name);
  rl_vm_push_ref(L, which);
  bool is_one = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_one ? object : luaL_checkudata(L, index, name);
}

/* A duration in seconds, not negative; raises at the caller's line. */
double rl_check_seconds(lua_State *L, int index);
/* A size in bytes: an integer, or a float with an integral value. */
lua_Integer rl_check_size(lua_State *L, int index);

#endif
