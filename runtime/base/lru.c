/* The table of lru.h: chains that double their number when they get long. */
#include "base/lru.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum { FIRST_BUCKETS = 256 };

static rl_list *bucket_of(const rl_lru *lru, const uint8_t key[RL_LRU_KEY]) {
  uint64_t hash;
  memcpy(&hash, key, sizeof hash);
  return &lru->buckets[hash & (lru->bucket_count - 1)];
}

static rl_list *new_buckets(size_t count) {
  rl_list *buckets = rl_calloc(count, sizeof *buckets);
  for (size_t i = 0; buckets && i < count; i++) rl_list_init(&buckets[i]);
  return buckets;
}

int rl_lru_init(rl_lru *lru) {
  *lru = (rl_lru){.buckets = new_buckets(FIRST_BUCKETS), .bucket_count = FIRST_BUCKETS};
  rl_list_init(&lru->recent);
  return lru->buckets ? RL_OK : RL_ENOMEM;
}

void rl_lru_free(rl_lru *lru) {
  rl_free(lru->buckets);
  lru->buckets = NULL;
}

rl_lru_node *rl_lru_find(const rl_lru *lru, const uint8_t key[RL_LRU_KEY]) {
  RL_LIST_EACH(bucket_of(lru, key), link) {
    rl_lru_node *node = RL_CONTAINER(link, rl_lru_node, bucket);
    if (memcmp(node->key, key, RL_LRU_KEY) == 0) return node;
  }
  return NULL;
}

static void grow(rl_lru *lru) {
  rl_list *old = lru->buckets, *buckets = new_buckets(lru->bucket_count * 2);
  size_t count = lru->bucket_count;
  if (!buckets) return;
  lru->buckets = buckets;
  lru->bucket_count *= 2;
  for (size_t i = 0; i < count; i++)
    for (rl_list *link; (link = rl_list_shift(&old[i]));)
      rl_list_push(bucket_of(lru, RL_CONTAINER(link, rl_lru_node, bucket)->key), link);
  rl_free(old);
}

void rl_lru_insert(rl_lru *lru, rl_lru_node *node) {
  if (lru->count >= lru->bucket_count) grow(lru);
  rl_list_push(bucket_of(lru, node->key), &node->bucket);
  rl_list_push(&lru->recent, &node->recent);
  lru->count++;
}

void rl_lru_remove(rl_lru *lru, rl_lru_node *node) {
  rl_list_remove(&node->bucket);
  rl_list_remove(&node->recent);
  lru->count--;
}

void rl_lru_touch(rl_lru *lru, rl_lru_node *node) {
  rl_list_remove(&node->recent);
  rl_list_push(&lru->recent, &node->recent);
}

rl_lru_node *rl_lru_oldest(const rl_lru *lru) {
  return rl_list_empty(&lru->recent) ? NULL : RL_CONTAINER(lru->recent.next, rl_lru_node, recent);
}

void rl_lru_visit_bucket(rl_lru *lru, size_t which, void (*visit)(void *ud, rl_lru_node *node), void *ud) {
  rl_list *bucket = &lru->buckets[which & (lru->bucket_count - 1)];
  for (rl_list *link = bucket->next, *next; link != bucket; link = next) {
    next = link->next;
    visit(ud, RL_CONTAINER(link, rl_lru_node, bucket));
  }
}
