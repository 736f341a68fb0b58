/* Statements by their text; see cache.h. */
#include "data/sqlite/cache.h"

#include "base/alloc.h"
#include "base/limits.h"

void rl_statement_cache_init(rl_statement_cache *cache) {
  *cache = (rl_statement_cache){0};
  rl_list_init(&cache->statements);
}

static rl_statement **guess_of(rl_statement_cache *cache, rl_slice sql) {
  return &cache->guesses[((uintptr_t)sql.data >> 4) % RL_STATEMENT_GUESSES]; /* malloc aligns to 16 bytes */
}

void rl_statement_cache_forget(rl_statement_cache *cache, rl_statement *statement) {
  for (int i = 0; i < RL_STATEMENT_GUESSES; i++)
    if (cache->guesses[i] == statement) cache->guesses[i] = NULL;
  rl_statement **at = &cache->buckets[statement->hash % RL_STATEMENT_BUCKETS];
  while (*at != statement) at = &(*at)->next;
  *at = statement->next;
  rl_list_remove(&statement->node);
  cache->count--;
  sqlite3_finalize(statement->stmt);
  rl_free(statement->row);
  rl_free(statement->sql);
  rl_free(statement);
}

void rl_statement_cache_free(rl_statement_cache *cache) {
  while (cache->count) rl_statement_cache_forget(cache, RL_CONTAINER(cache->statements.next, rl_statement, node));
}

static bool is_free_one_of(const rl_statement *s, rl_slice sql) {
  return !s->in_use && rl_slice_eq(rl_slice_of(s->sql, s->sql_len), sql);
}

static rl_statement *find_by_hash(rl_statement_cache *cache, rl_slice sql, uint64_t hash) {
  for (rl_statement *s = cache->buckets[hash % RL_STATEMENT_BUCKETS]; s; s = s->next)
    if (s->hash == hash && is_free_one_of(s, sql)) return s;
  return NULL;
}

rl_statement *rl_statement_cache_find(rl_statement_cache *cache, rl_slice sql) {
  rl_statement **guess = guess_of(cache, sql);
  if (*guess && is_free_one_of(*guess, sql)) return *guess;
  rl_statement *s = find_by_hash(cache, sql, rl_slice_hash(sql));
  if (s) *guess = s;
  return s;
}

static void keep(rl_statement_cache *cache, rl_statement *s) {
  s->hash = rl_slice_hash(rl_slice_of(s->sql, s->sql_len));
  rl_statement **bucket = &cache->buckets[s->hash % RL_STATEMENT_BUCKETS];
  s->next = *bucket;
  *bucket = s;
  rl_list_init(&s->node);
  cache->count++;
}

/* The least recently used that nobody runs makes room. */
static void make_room(rl_statement_cache *cache) {
  rl_list *node = cache->statements.prev;
  while (cache->count >= RL_LIMIT_STATEMENTS && node != &cache->statements) {
    rl_statement *s = RL_CONTAINER(node, rl_statement, node);
    node = node->prev;
    if (!s->in_use) rl_statement_cache_forget(cache, s);
  }
}

void rl_statement_cache_add(rl_statement_cache *cache, rl_statement *s) {
  make_room(cache);
  keep(cache, s);
}

void rl_statement_cache_touch(rl_statement_cache *cache, rl_statement *s) {
  rl_list *first;
  rl_list_remove(&s->node);
  first = cache->statements.next;
  rl_list_push(first, &s->node);
}
