/*
 * Memory of a Lua state. Lua allocates many small objects and says the size of each when it frees it, so small sizes come
 * from free lists without a header, one list for each multiple of 16 bytes:
 *
 *   size 1…16 -> [free]->[free]->NULL      cut from blocks of 32 KiB, which live as long as the state
 *   size 17…32 -> …
 *   size > 1024 -> malloc
 *
 * Everything is counted; with a limit, what would exceed it is refused, and Lua raises "not enough memory" in whoever asked.
 * A finalizer that is refused memory would be lost, and with it what it closes: Lua calls it once. So something is kept for
 * finalizers, beyond the limit and beyond what the system gives.
 * Under the address sanitizer every object comes from malloc, so that it sees each one.
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
  bool (*may_spare)(void *ud); /* whether a finalizer runs; NULL: nobody may have the spare */
  void *ud;
  const void *refused; /* what was refused last: Lua collects, then asks for the same once more */
  size_t refused_size;
} rl_memory;

/* As lua_Alloc, on an embedded rl_memory that is zeroed at first. */
void *rl_memory_allocate(rl_memory *memory, void *block, size_t old_size, size_t size);
/* After lua_close. */
void rl_memory_free(rl_memory *memory);

#endif
