/*
 * The allocator of a Lua state. Lua allocates many small objects and passes the size of each when it frees it. So small
 * objects need no header and come from free lists, one for each multiple of 16 bytes:
 *
 *   size 1…16 -> [free]->[free]->NULL      cut from blocks of 32 KiB, which live as long as the state
 *   size 17…32 -> …
 *   size > 1024 -> malloc
 *
 * All bytes are counted. An allocation that would exceed the limit is refused, and Lua raises "not enough memory" in the
 * code that asked.
 * Lua calls a finalizer once. If it were refused memory, what it should close would leak. So a spare block is kept for
 * finalizers; it may be used beyond the limit and when the system has no memory left.
 * Under the address sanitizer every object comes from malloc, so that the sanitizer sees each one.
 * Nothing here locks: a state is used by one thread at a time.
 */
#ifndef RL_VM_MEMORY_H
#define RL_VM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum { RL_MEMORY_CLASSES = 64, RL_MEMORY_STEP = 16, RL_MEMORY_SPARE = 64 << 10 };

typedef struct rl_memory {
  size_t used, peak, limit; /* bytes that Lua holds; limit 0: none */
  void *free[RL_MEMORY_CLASSES];
  char *at, *end; /* what is left of the newest block */
  void *blocks;
  void *spare; /* RL_MEMORY_SPARE bytes, given up when a finalizer needs them; NULL until the next block is made */
  bool (*may_spare)(void *ud); /* returns true if a finalizer runs; NULL: nobody may use the spare */
  void *ud;
  const void *refused; /* the block that was refused last: Lua collects garbage, then asks for the same once more */
  size_t refused_size;
} rl_memory;

/* Allocates, resizes or frees as lua_Alloc says (reference manual section 4.6). Returns NULL if refused or out of memory. The
 * rl_memory is embedded in its owner and zeroed at first. */
void *rl_memory_allocate(rl_memory *memory, void *block, size_t old_size, size_t size);
/* Frees all blocks, and every small object in them. Call it after lua_close. */
void rl_memory_free(rl_memory *memory);

#endif
