/*
 * An arena: memory of one request, given back in one step at its end (nginx's pools).
 *
 *   arena -> [chunk: next | bytes … used … free ] -> [chunk …] -> NULL
 *
 * Chunks of the standard size come from and return to a pool that the loop owns, so that a busy worker never calls malloc
 * for them and an idle connection holds none. A larger need gets a chunk of its own, which goes back to malloc.
 * Memory of an arena lives until rl_arena_free and is aligned for any type.
 */
#ifndef RL_BASE_ARENA_H
#define RL_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

typedef struct rl_chunk rl_chunk;

typedef struct rl_chunk_pool {
  rl_chunk *free;
  size_t count, keep; /* chunks in the pool; the most it keeps */
} rl_chunk_pool;

typedef struct rl_arena {
  rl_chunk_pool *pool;
  rl_chunk *chunks;
  char *at, *end;
  size_t size; /* bytes of all chunks: what this request has taken */
} rl_arena;

enum { RL_CHUNK_SIZE = 4096 };

void rl_chunk_pool_init(rl_chunk_pool *pool, size_t keep);
void rl_chunk_pool_free(rl_chunk_pool *pool);

/* The pool must outlive the arena. */
void rl_arena_init(rl_arena *arena, rl_chunk_pool *pool);
/* Gives everything back; the arena may be used again. */
void rl_arena_free(rl_arena *arena);

void *rl_arena_more(rl_arena *arena, size_t size);
/* Returns a block, or NULL if out of memory; a block of no bytes is one too. The rest of a chunk is always a multiple of
 * 16. */
static inline void *rl_arena_alloc(rl_arena *arena, size_t size) {
  if (size >= (size_t)(arena->end - arena->at)) return rl_arena_more(arena, size);
  void *block = arena->at;
  arena->at += (size + 15) & ~(size_t)15;
  return block;
}

/* Returns a copy with a NUL after it; .data is NULL if out of memory. */
rl_slice rl_arena_copy(rl_arena *arena, rl_slice s);

#endif
