/*
 * Writes objects as JSON. Members are written in the order of the table's shape, else in the order of their keys. So equal values give
 * equal texts, in every process. Up to RL_JSON_FEW pairs are sorted on Lua's stack without allocating; larger objects take json_many.h.
 */
#ifndef RL_BIND_CORE_JSON_OBJECT_H
#define RL_BIND_CORE_JSON_OBJECT_H

#include "bind/core/json_encoder.h"

/* Writes the table at `index`, whose first pair is on the stack, and pops the pair. */
void rl__json_encode_object(rl_json_encoder *e, int index);

#endif
