/*
 * Replaces functions of Lua's standard library that can run for long in C, where no hook can stop them. Ours behave as the
 * reference manual says, errors included, and call rl_heartbeat_attend (vm/task/heartbeat.h) while they run.
 *
 *   string.find match gmatch gsub    vm/strings.c     backtracking patterns (base/matcher.h)
 *   string.rep  table.move           vm/library.c     counts that may come from outside
 *
 * The others stay Lua's. Their time is bounded by the size of their operands (table.concat, string.format, utf8.*), or they
 * call the program's functions, which a hook can stop (table.sort).
 */
#ifndef RL_VM_LIBRARY_H
#define RL_VM_LIBRARY_H

#include "vm/vm.h"

/* Returns the string argument at `index`, borrowed from the stack. Raises as Lua's own functions do. */
static inline rl_slice rl_library_text(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return rl_slice_of(text, len);
}

/* Put the functions into the tables `string` and `table`. The standard libraries must be open. */
void rl_strings_open(lua_State *L);
void rl_library_open(lua_State *L);

#endif
