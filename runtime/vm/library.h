/*
 * Functions of Lua's own library that are ours, because Lua's run for long in C where nothing can stop them. They behave as
 * the reference manual says, errors included, and attend (vm/task/heartbeat.h) while they run.
 *
 *   string.find match gmatch gsub    vm/strings.c     patterns that go back and forth over a subject: base/matcher.h
 *   string.rep  table.move           vm/library.c     counts that a program takes from outside
 *
 * What stays Lua's is bounded by the size of its operands (table.concat, string.format, utf8.*), or runs the program's
 * functions, which can be stopped (table.sort).
 */
#ifndef RL_VM_LIBRARY_H
#define RL_VM_LIBRARY_H

#include "vm/vm.h"

/* The string argument at `index`, borrowed from the stack; raises as Lua's own functions do. */
static inline rl_slice rl_library_text(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return rl_slice_of(text, len);
}

/* Puts them into the tables `string` and `table`, once these are open. */
void rl_strings_open(lua_State *L);
void rl_library_open(lua_State *L);

#endif
