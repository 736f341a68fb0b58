/*
 * A table that also keeps its entries in the order of their last use, so that the caller can drop the least recently used when
 * there are too many. Intrusive: entries belong to the caller, who embeds an rl_lru_node.
 *
 *   buckets: key -> entry -> entry       every entry is in its bucket and in `recent`
 *   recent:  least recently used … most recently used
 *
 * Keys are 32 bytes that are hashes already, keyed or of values that no peer can choose. Their first bytes pick the bucket. Not
 * locked.
 */
#ifndef RL_BASE_LRU_H
#define RL_BASE_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { RL_LRU_KEY = 32 };

typedef struct rl_lru_node {
  rl_list bucket, recent;
  uint8_t key[RL_LRU_KEY];
} rl_lru_node;

typedef struct rl_lru {
  rl_list *buckets;
  size_t bucket_count, count; /* the first a power of two */
  rl_list recent;
} rl_lru;

/* Returns 0 or RL_ENOMEM. */
int rl_lru_init(rl_lru *lru);
/* Call after all entries were removed. */
void rl_lru_free(rl_lru *lru);

/* Returns the entry, or NULL if there is none. */
rl_lru_node *rl_lru_find(const rl_lru *lru, const uint8_t key[RL_LRU_KEY]);
/* Inserts it as the most recently used. Its key is set and not yet in the table. Never fails; if memory runs out the table
 * only gets slower. */
void rl_lru_insert(rl_lru *lru, rl_lru_node *node);
void rl_lru_remove(rl_lru *lru, rl_lru_node *node);
/* Makes it the most recently used. */
void rl_lru_touch(rl_lru *lru, rl_lru_node *node);
/* Returns the least recently used, or NULL. */
rl_lru_node *rl_lru_oldest(const rl_lru *lru);
/* Calls visit for the entries of one bucket (`which` modulo their number), for sweeping a few at a time. visit may remove
 * the entry it is given. */
void rl_lru_visit_bucket(rl_lru *lru, size_t which, void (*visit)(void *ud, rl_lru_node *node), void *ud);

#endif
