/*
 * Helpers that all bindings share. A file of runtime/bind/<folder>/ binds one noun to Lua: static functions of 5 to 10 lines
 * under a one-line Lua signature, then one luaL_Reg, and rl_bind_<noun> last. That one adds the functions to the table on top
 * of the stack. bind/native.c calls it.
 *
 * Bindings check arguments and convert values. What they do is in the rooms below. A C resource that is alive while Lua may
 * raise has an owner (vm/owner.h).
 */
#ifndef RL_BIND_BIND_H
#define RL_BIND_BIND_H

#include "bind/names.h"
#include "vm/error.h"
#include "vm/task/task.h"

/* Returns a string argument as a slice, borrowed as long as the value stays on the stack. Raises if it is none. */
static inline rl_slice rl_check_slice(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return rl_slice_of(text, len);
}

static inline void rl_push_slice(lua_State *L, rl_slice s) { lua_pushlstring(L, s.len ? s.data : "", s.len); }

/* Does as luaL_newmetatable, but raises if the name is taken: two kinds of userdata with one name would pass for each other. */
static inline void rl_new_metatable(lua_State *L, const char *name) {
  if (!luaL_newmetatable(L, name)) luaL_error(L, "%s is the name of another kind of value", name);
}

/* Do as luaL_testudata and luaL_checkudata, for hot paths: they compare with the metatable of a reference RL_REF_* and look up
 * no name. */
static inline void *rl_test_userdata(lua_State *L, int index, int which) {
  void *object = lua_touserdata(L, index);
  return object && rl_vm_has_meta(L, index, which) ? object : NULL;
}

static inline void *rl_check_userdata(lua_State *L, int index, int which, const char *name) {
  void *object = rl_test_userdata(L, index, which);
  return object ? object : luaL_checkudata(L, index, name);
}

/* Returns a duration in seconds. Raises if it is negative, NaN or no number. */
double rl_check_seconds(lua_State *L, int index);
/* Returns a size in bytes: an integer, or a float with an integral value. Raises if it is negative or neither of these. */
lua_Integer rl_check_size(lua_State *L, int index);

#endif
