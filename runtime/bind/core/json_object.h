/*
 * Writes objects as JSON. Members are written in the order of the table's shape, else in the order of their keys. So equal values give
 * equal texts, in every process. Up to RL_JSON_FEW pairs are sorted on Lua's stack without allocating; larger objects take json_many.h.
 */
#ifndef RL_BIND_CORE_JSON_OBJECT_H
#define RL_BIND_CORE_JSON_OBJECT_H

#include "bind/core/json_encoder.h"

/* Writes the table at `index`, whose first pair is on the stack, and pops the pair. */
void rl__json_encode_object(rl_json_encoder *e, int index);

/* ---- for json_many.c ------------------------------------------------------------------------------------------------------------ */

/* Raises unless the key below the value on top of the stack is a string. */
void rl__json_check_key(rl_json_encoder *e);
/* Writes a key and its colon. */
void rl__json_write_key(rl_json_encoder *e, rl_slice key);
/* Compares as qsort wants it: by bytes. */
int rl__json_compare(const rl_slice *x, const rl_slice *y);

#endif
