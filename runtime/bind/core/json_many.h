/* Writes objects of many members as JSON; see json_object.h. */
#ifndef RL_BIND_CORE_JSON_MANY_H
#define RL_BIND_CORE_JSON_MANY_H

#include "bind/core/json_encoder.h"

/* Writes the table at `index`. Allocating the list of keys may run finalizers, which may change the table. A member that they remove
 * is written as null. */
void rl__json_encode_many(rl_json_encoder *e, int index);

#endif
