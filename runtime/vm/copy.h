/*
 * Copies plain values from one Lua state to another, by value, as bytes in between: nil, booleans, numbers, strings,
 * rille.null, and tables of these. A table that occurs twice stays one table. Marked lists and error values stay what they
 * are. Functions, threads and userdata are refused by name.
 *
 * The caller owns the buffer. Nothing in it refers to either state, so the writing state may be gone when it is read.
 */
#ifndef RL_VM_COPY_H
#define RL_VM_COPY_H

#include "base/buf.h"
#include "vm/vm.h"

/* Appends the value at `index` to `out`. Raises if something in it cannot be copied, and RL_ENOMEM if out of memory. */
void rl_copy_out(lua_State *L, int index, rl_buf *out);
/* Does the same, but leaves out entries of tables that cannot be copied, at any depth. Raises only for the value itself. */
void rl_copy_out_what_can(lua_State *L, int index, rl_buf *out);
/* Pushes the next value of `in` and moves `in` past it. Reads no byte beyond its end. Raises if a byte is missing or wrong. */
void rl_copy_in(lua_State *L, rl_slice *in);

#endif
