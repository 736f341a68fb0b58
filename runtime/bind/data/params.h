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
  int lists;   /* how many of the values are lists (list.h), and stand there as NULL until they are expanded */
  rl_value values[32];
  rl_slice names[32];
} rl_lua_params;

/* Reads the values at `first` and above: one for each `?`, or one table. Raises on what SQL cannot hold; `where` (may be "")
 * begins the message. More than fit are put into a userdata; that, and what is in a table, is pushed. */
void rl_check_params(lua_State *L, int first, const char *where, rl_lua_params *out);

/* Where a value comes from, for messages. */
typedef struct rl_param_origin {
  const char *where; /* "batch: item 3: ", or "" */
  const char *name;  /* of a parameter, or NULL */
  int number;
  const char *item; /* "rille.list: item 3 is ", instead of all that; or NULL */
  int *lists;       /* counts lists, which are refused if it is NULL */
} rl_param_origin;

/* Reads the value at `index`; may push what its bytes are borrowed from. Raises on what SQL cannot hold. */
rl_value rl_check_param(lua_State *L, int index, const rl_param_origin *origin);
/* Fills in params->size. */
void rl_measure_params(rl_lua_params *params);

/* blob(s) -> a parameter that is bound as a BLOB */
int rl_make_blob(lua_State *L);

#endif
