/* Token buckets; see limit.h. */
#include "server/limit.h"

#include <math.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/lru.h"
#include "crypto/digest.h"

typedef struct bucket {
  rl_lru_node node; /* first */
  double tokens;
  uint64_t at_ms; /* when it had so many */
} bucket;

struct rl_limit_table {
  uv_mutex_t lock;
  rl_lru table;
  size_t most;
};

rl_limit_table *rl_limit_table_new(size_t most) {
  rl_limit_table *t = rl_calloc(1, sizeof *t);
  if (!t) return NULL;
  t->most = most;
  if (rl_lru_init(&t->table) || uv_mutex_init(&t->lock)) {
    rl_lru_free(&t->table);
    rl_free(t);
    return NULL;
  }
  return t;
}

static void forget(rl_limit_table *t, rl_lru_node *node) {
  rl_lru_remove(&t->table, node);
  rl_free(node);
}

void rl_limit_table_del(rl_limit_table *t) {
  while (t->table.count) forget(t, rl_lru_oldest(&t->table));
  rl_lru_free(&t->table);
  uv_mutex_destroy(&t->lock);
  rl_free(t);
}

/* ---- one bucket ---------------------------------------------------------------------------------------------------------- */

static bucket *find_or_make(rl_limit_table *t, const uint8_t key[RL_LRU_KEY], double burst, uint64_t now_ms) {
  bucket *b = (bucket *)rl_lru_find(&t->table, key);
  if (b) {
    rl_lru_touch(&t->table, &b->node);
    return b;
  }
  b = rl_calloc(1, sizeof *b);
  if (!b) return NULL;
  memcpy(b->node.key, key, RL_LRU_KEY);
  b->tokens = burst;
  b->at_ms = now_ms;
  if (t->table.count >= t->most) forget(t, rl_lru_oldest(&t->table));
  rl_lru_insert(&t->table, &b->node);
  return b;
}

/* Workers' clocks may stand a turn apart, and a test's may go back: then nothing is gained. */
static void fill(bucket *b, const rl_limit *limit, uint64_t now_ms) {
  if (now_ms > b->at_ms) b->tokens += (double)(now_ms - b->at_ms) / 1000 * limit->rate;
  if (b->tokens > limit->burst) b->tokens = limit->burst;
  b->at_ms = now_ms;
}

uint64_t rl_limit_take(rl_limit_table *t, const rl_limit *limit, rl_slice key, uint64_t now_ms) {
  uint8_t hash[RL_LRU_KEY], inner[RL_HASH_SIZE];
  rl_hash(limit->name, key, inner);
  rl_hash(rl_process_secret(), rl_slice_of((const char *)inner, sizeof inner), hash);
  uv_mutex_lock(&t->lock);
  bucket *b = find_or_make(t, hash, limit->burst, now_ms);
  double missing = 0;
  if (b) {
    fill(b, limit, now_ms);
    missing = 1 - b->tokens;
    if (missing <= 0) b->tokens -= 1;
  }
  uv_mutex_unlock(&t->lock);
  return missing > 0 ? (uint64_t)ceil(missing / limit->rate * 1000) : 0;
}

static rl_limit_table *shared;

static void make_shared(void) { shared = rl_limit_table_new(RL_LIMIT_BUCKETS); }

rl_limit_table *rl_limit_table_shared(void) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, make_shared);
  return shared;
}
