/*
 * Plain values from one Lua state to another: nil, booleans, numbers, strings, rille.null and tables of these, by value, as
 * bytes in between. Tables that are met twice stay one table; marked lists stay marked. Functions, userdata (but for
 * rille.null) and threads are refused by name.
 */
#ifndef RL_VM_COPY_H
#define RL_VM_COPY_H

#include "base/buf.h"
#include "vm/vm.h"

/* Appends the value at `index`. Raises on what cannot be copied (saying where it is); RL_ENOMEM is raised too. */
void rl_copy_out(lua_State *L, int index, rl_buf *out);
/* As rl_copy_out, but in tables, at any depth, entries that cannot be copied are left out: raises only for the value itself. */
void rl_copy_out_what_can(lua_State *L, int index, rl_buf *out);
/* Pushes the next value of `in` and moves `in` past it. Reads no byte beyond its end: raises where one is missing or wrong. */
void rl_copy_in(lua_State *L, rl_slice *in);

#endif
