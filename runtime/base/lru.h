/*
 * A table of bounded size whose entries are also in the order of their last use, so that the least recently used can go
 * when there are too many. Intrusive: entries belong to the caller, who embeds an rl_lru_node.
 *
 *   buckets: key -> entry -> entry       every entry is in its bucket and in `recent`
 *   recent:  least recently used … most recently used
 *
 * Keys are 32 bytes that are hashes already, by a key that no peer knows or of what no peer can choose: their first bytes
 * pick the bucket. Not locked.
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

/* 0 or RL_ENOMEM. */
int rl_lru_init(rl_lru *lru);
/* Its entries have been removed. */
void rl_lru_free(rl_lru *lru);

/* NULL where there is none. */
rl_lru_node *rl_lru_find(const rl_lru *lru, const uint8_t key[RL_LRU_KEY]);
/* As the most recently used; its key is set and not in the table. Never fails: where memory is short it only gets slower. */
void rl_lru_insert(rl_lru *lru, rl_lru_node *node);
void rl_lru_remove(rl_lru *lru, rl_lru_node *node);
/* Makes it the most recently used. */
void rl_lru_touch(rl_lru *lru, rl_lru_node *node);
/* The least recently used, or NULL. */
rl_lru_node *rl_lru_oldest(const rl_lru *lru);
/* Calls visit for the entries of one bucket, `which` counted round; it may remove the one it is given. For sweeping a few at
 * a time. */
void rl_lru_visit_bucket(rl_lru *lru, size_t which, void (*visit)(void *ud, rl_lru_node *node), void *ud);

#endif
