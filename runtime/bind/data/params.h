/*
 * Lua values as the parameters of a statement.
 */
#ifndef RL_BIND_DATA_PARAMS_H
#define RL_BIND_DATA_PARAMS_H

#include "bind/bind.h"
#include "data/value.h"

/* Parameters from the stack; borrowed from Lua values, all of which are anchored there. */
typedef struct rl_lua_params {
  rl_sql_params params;
  size_t size; /* bytes of all texts and blobs */
  rl_value values[32];
  rl_slice names[32];
} rl_lua_params;

/* Reads the values at `first` and above: one for each `?`, or one table. Raises on what SQL cannot hold; `where` (may be "")
 * begins the message. More than fit are put into a userdata; that, and what is in a table, is pushed. */
void rl_check_params(lua_State *L, int first, const char *where, rl_lua_params *out);

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L);

#endif
