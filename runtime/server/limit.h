/*
 * Rate limits: a token bucket for each key, shared by all workers of the process.
 *
 *   a bucket holds at most `burst` tokens, gains `rate` of them a second, and each request takes one
 *
 * One table under one lock. It has room for RL_LIMIT_BUCKETS keys; beyond, the least recently used bucket is forgotten,
 * which fills it. A bucket that is full again is worth no more than one that is forgotten.
 */
#ifndef RL_SERVER_LIMIT_H
#define RL_SERVER_LIMIT_H

#include <stdint.h>

#include "base/slice.h"

typedef struct rl_limit_table rl_limit_table;

/* With room for so many keys; NULL if out of memory. */
rl_limit_table *rl_limit_table_new(size_t most);
void rl_limit_table_del(rl_limit_table *table);
/* The one of this process, made when first asked for; NULL if out of memory. */
rl_limit_table *rl_limit_table_shared(void);

typedef struct rl_limit {
  rl_slice name; /* which limit: keys of different ones are different */
  double rate;   /* tokens a second, more than 0 */
  double burst;  /* at least 1 */
} rl_limit;

/* Takes a token of `key`: 0, or in how many milliseconds there will be one. If out of memory nobody is limited. */
uint64_t rl_limit_take(rl_limit_table *table, const rl_limit *limit, rl_slice key, uint64_t now_ms);

#endif
