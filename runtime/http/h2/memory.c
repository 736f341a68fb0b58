/* nghttp2's allocator; see memory.h. */
#include "http/h2/memory.h"

#include <malloc.h>

#include "base/alloc.h"
#include "base/error.h"

enum { RESERVE = 64 << 10, ALIGN = 16 };

/* Blocks are cut off one after another; when the last of them is given back all of it is free again. */
typedef struct reserve {
  size_t used;
  unsigned blocks;
  char bytes[RESERVE] __attribute__((aligned(ALIGN)));
} reserve;

static reserve *reserve_of(const rl_h2 *h2) { return h2->conn->host->reserve; }

int rl_h2_memory_start(rl_conn_host *host) {
  if (!host->reserve) host->reserve = rl_calloc(1, sizeof(reserve));
  return host->reserve ? RL_OK : RL_ENOMEM;
}

static bool is_reserved(const reserve *r, const char *block) {
  return block >= r->bytes && block < r->bytes + sizeof r->bytes;
}

/* Before each block stands its size, for resize. */
static void *take_reserved(rl_h2 *h2, size_t size) {
  reserve *r = reserve_of(h2);
  size_t room = ALIGN + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
  if (!h2->broken) h2->broken = RL_ENOMEM;
  rl_h2_work_soon(h2);
  if (size > RESERVE || room > RESERVE - r->used) return NULL;
  char *block = r->bytes + r->used;
  memcpy(block, &size, sizeof size);
  r->used += room;
  r->blocks++;
  return block + ALIGN;
}

static void *alloc(size_t size, void *ud) {
  void *block = rl_alloc(size ? size : 1);
  return block ? block : take_reserved(ud, size);
}

static void give(void *block, void *ud) {
  reserve *r = reserve_of(ud);
  if (!block || !is_reserved(r, block)) rl_free(block);
  else if (!--r->blocks) r->used = 0;
}

static void *alloc_zeroed(size_t count, size_t size, void *ud) {
  void *block = rl_calloc(count, size);
  if (block || (size && count > RESERVE / size)) return block;
  block = take_reserved(ud, count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

static void *resize(void *block, size_t size, void *ud) {
  if (!block) return alloc(size, ud);
  bool reserved = is_reserved(reserve_of(ud), block);
  void *moved = reserved ? NULL : rl_realloc(block, size ? size : 1);
  if (moved) return moved;
  moved = take_reserved(ud, size);
  if (!moved) return NULL;
  size_t before = reserved ? 0 : malloc_usable_size(block);
  if (reserved) memcpy(&before, (char *)block - ALIGN, sizeof before);
  memcpy(moved, block, before < size ? before : size);
  give(block, ud);
  return moved;
}

nghttp2_mem rl_h2_memory_of(rl_h2 *h2) {
  return (nghttp2_mem){.mem_user_data = h2, .malloc = alloc, .free = give, .calloc = alloc_zeroed, .realloc = resize};
}
