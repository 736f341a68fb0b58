/*
 * Writes Lua values as JSON.
 *
 * A table is walked once. While its keys come as 1, 2, 3 … it is a list; otherwise all keys must be strings. An empty table
 * is {} unless rille.array has marked it. A value that JSON cannot express (a function, NaN, a list with a hole, mixed keys)
 * raises.
 */
#ifndef RL_BIND_CORE_JSON_VALUE_H
#define RL_BIND_CORE_JSON_VALUE_H

#include "base/buf.h"
#include "vm/vm.h"

/* Writes the value at `index` to `out`, which has no limit. Raises if JSON cannot express it. canonical: ignores shapes, so that equal
 * values give equal texts. */
void rl__json_encode_from(lua_State *L, int index, rl_buf *out, bool canonical);

#endif
