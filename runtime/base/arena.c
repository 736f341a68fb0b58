/* Arenas and their pool of chunks; see arena.h. */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

struct rl_chunk {
  rl_chunk *next;
  bool pooled;
  _Alignas(16) char bytes[];
};

_Static_assert((RL_CHUNK_SIZE - sizeof(rl_chunk)) % 16 == 0, "what is left of a chunk is a multiple of 16");

void rl_chunk_pool_init(rl_chunk_pool *pool, size_t keep) { *pool = (rl_chunk_pool){.keep = keep}; }

void rl_chunk_pool_free(rl_chunk_pool *pool) {
  while (pool->free) {
    rl_chunk *chunk = pool->free;
    pool->free = chunk->next;
    rl_free(chunk);
  }
  pool->count = 0;
}

static rl_chunk *take_chunk(rl_chunk_pool *pool) {
  rl_chunk *chunk = pool->free;
  if (chunk) {
    pool->free = chunk->next;
    pool->count--;
    return chunk;
  }
  chunk = rl_alloc(RL_CHUNK_SIZE);
  if (chunk) chunk->pooled = true;
  return chunk;
}

static void give_chunk(rl_chunk_pool *pool, rl_chunk *chunk) {
  if (!chunk->pooled || pool->count >= pool->keep) {
    rl_free(chunk);
    return;
  }
  chunk->next = pool->free;
  pool->free = chunk;
  pool->count++;
}

void rl_arena_init(rl_arena *arena, rl_chunk_pool *pool) { *arena = (rl_arena){.pool = pool}; }

void rl_arena_free(rl_arena *arena) {
  while (arena->chunks) {
    rl_chunk *chunk = arena->chunks;
    arena->chunks = chunk->next;
    give_chunk(arena->pool, chunk);
  }
  rl_arena_init(arena, arena->pool);
}

static void link_chunk(rl_arena *arena, rl_chunk *chunk, size_t size) {
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  arena->size += size;
}

void *rl_arena_more(rl_arena *arena, size_t size) {
  const size_t room = RL_CHUNK_SIZE - sizeof(rl_chunk);
  if (size > SIZE_MAX / 2) return NULL;
  size = size ? (size + 15) & ~(size_t)15 : 16;
  if (size > room / 2) { /* a chunk of its own; what is left of the current one stays in use */
    rl_chunk *own = rl_alloc(sizeof(rl_chunk) + size);
    if (!own) return NULL;
    own->pooled = false;
    link_chunk(arena, own, sizeof(rl_chunk) + size);
    return own->bytes;
  }
  rl_chunk *chunk = take_chunk(arena->pool);
  if (!chunk) return NULL;
  link_chunk(arena, chunk, RL_CHUNK_SIZE);
  arena->at = chunk->bytes + size;
  arena->end = chunk->bytes + room;
  return chunk->bytes;
}

rl_slice rl_arena_copy(rl_arena *arena, rl_slice s) {
  char *copy = rl_arena_alloc(arena, s.len + 1);
  if (!copy) return RL_SLICE_NONE;
  if (s.len) memcpy(copy, s.data, s.len);
  copy[s.len] = 0;
  return rl_slice_of(copy, s.len);
}
