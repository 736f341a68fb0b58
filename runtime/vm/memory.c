/*
 * Size classes for Lua's small objects, and the reserve of finalizers; see memory.h.
 *
 * A small size is rounded up to a multiple of RL_MEMORY_STEP; `used` counts the sizes that Lua passed. A free object holds
 * the pointer to the next one of its class in its first bytes.
 */
#include "vm/memory.h"

#include <string.h>

#include "base/alloc.h"

enum { BLOCK_SIZE = 32 << 10, SMALL = RL_MEMORY_CLASSES * RL_MEMORY_STEP };

#if defined(__SANITIZE_ADDRESS__)
#define IS_SMALL(size) ((void)(size), 0)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SMALL(size) ((void)(size), 0)
#endif
#endif
#ifndef IS_SMALL
#define IS_SMALL(size) ((size) <= SMALL)
#endif

static size_t class_of(size_t size) { return (size - 1) / RL_MEMORY_STEP; }

/* Takes a new block, and cuts an object of `size` bytes off it. The rest of the old block goes to the free lists. */
static void *cut_from_new_block(rl_memory *m, size_t size) {
  while (m->end - m->at >= RL_MEMORY_STEP) {
    size_t left = (size_t)(m->end - m->at) < SMALL ? (size_t)(m->end - m->at) : SMALL;
    left -= left % RL_MEMORY_STEP;
    void **rest = (void **)(void *)m->at;
    *rest = m->free[class_of(left)];
    m->free[class_of(left)] = rest;
    m->at += left;
  }
  char *block = rl_alloc(BLOCK_SIZE);
  if (!block) return NULL;
  if (!m->spare) m->spare = rl_alloc(RL_MEMORY_SPARE);
  *(void **)(void *)block = m->blocks;
  m->blocks = block;
  m->at = block + RL_MEMORY_STEP + size;
  m->end = block + BLOCK_SIZE;
  return block + RL_MEMORY_STEP;
}

static void *take_small(rl_memory *m, size_t size) {
  size_t class = class_of(size);
  void **object = m->free[class];
  if (object) {
    m->free[class] = *object;
    return object;
  }
  size = (class + 1) * RL_MEMORY_STEP;
  if ((size_t)(m->end - m->at) < size) return cut_from_new_block(m, size);
  void *fresh = m->at;
  m->at += size;
  return fresh;
}

static void give(rl_memory *m, void *object, size_t size) {
  if (!IS_SMALL(size)) {
    rl_free(object);
    return;
  }
  size_t class = class_of(size);
  *(void **)object = m->free[class];
  m->free[class] = object;
}

static void *take(rl_memory *m, size_t size) { return IS_SMALL(size) ? take_small(m, size) : rl_alloc(size); }

/* Moves an object to another size, which may change between a size class and malloc. */
static void *move(rl_memory *m, void *object, size_t old_size, size_t size) {
  if (!IS_SMALL(old_size) && !IS_SMALL(size)) return rl_realloc(object, size);
  if (IS_SMALL(old_size) && IS_SMALL(size) && class_of(old_size) == class_of(size)) return object;
  void *moved = take(m, size);
  if (!moved) return NULL;
  memcpy(moved, object, old_size < size ? old_size : size);
  give(m, object, old_size);
  return moved;
}

/* Returns true if a block that could not be moved may serve as the new one: the size is not larger, and of the same kind. (Up to
 * 5.3 Lua relied on shrinking never failing.) A block of malloc's must not take a small size: it would end in a free list. */
static bool may_stay(size_t old_size, size_t size) { return size <= old_size && IS_SMALL(size) == IS_SMALL(old_size); }

/* Frees the spare, then allocates once more, beyond the limit. Injected failures pause: a test that makes every allocation
 * fail would otherwise refuse the memory that has just been freed. */
static void *take_spare(rl_memory *m, void *block, size_t old_size, size_t size) {
  size_t limit = m->limit;
  bool (*may_spare)(void *) = m->may_spare;
  if (size > RL_MEMORY_SPARE) return NULL;
  rl_free(m->spare);
  m->spare = NULL;
  if (limit) m->limit = limit + RL_MEMORY_SPARE;
  m->may_spare = NULL; /* once only */
  rl_alloc_fail_pause(true);
  void *object = rl_memory_allocate(m, block, old_size, size);
  rl_alloc_fail_pause(false);
  m->may_spare = may_spare;
  m->limit = limit;
  return object;
}

/* Refuses an allocation. Lua then collects garbage and asks for the same once more; only then a finalizer gets the spare. */
static __attribute__((noinline, cold)) void *refuse(rl_memory *m, void *block, size_t old_size, size_t size) {
  if (!m->may_spare || !m->may_spare(m->ud)) return NULL;
  bool again = m->refused_size == size && m->refused == block;
  m->refused = block;
  m->refused_size = again ? 0 : size;
  return again ? take_spare(m, block, old_size, size) : NULL;
}

void *rl_memory_allocate(rl_memory *m, void *block, size_t old_size, size_t size) {
  if (!block) old_size = 0; /* for a new object Lua passes its type here */
  if (size == 0) {
    m->used -= old_size;
    if (block) give(m, block, old_size);
    return NULL;
  }
  if (size > old_size && m->limit && m->used + (size - old_size) > m->limit) return refuse(m, block, old_size, size);
  void *object = block ? move(m, block, old_size, size) : take(m, size);
  if (!object && !may_stay(old_size, size)) return refuse(m, block, old_size, size);
  if (!object) object = block;
  m->used += size - old_size;
  if (m->used > m->peak) m->peak = m->used;
  return object;
}

void rl_memory_free(rl_memory *m) {
  rl_free(m->spare);
  while (m->blocks) {
    void *block = m->blocks;
    m->blocks = *(void **)block;
    rl_free(block);
  }
}
