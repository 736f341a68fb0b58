/*
 * Memory of the C core. Two kinds of need, two kinds of function:
 *
 *   rl_alloc, rl_calloc, rl_realloc   may return NULL, and the caller handles it. Everything whose size or number a peer can
 *                                     choose (requests, bodies, connections) comes from here.
 *   rl_must_alloc                     never returns NULL: for what a worker needs to start at all. Ends the process with a message.
 *
 * Tests make the N-th allocation fail (rl_alloc_fail_at), for every N in turn: SQLite's out-of-memory loop.
 */
#ifndef RL_BASE_ALLOC_H
#define RL_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *rl_alloc(size_t size) __attribute__((malloc, warn_unused_result));
void *rl_calloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
/* As realloc; on failure the old block stays valid and is still the caller's. */
void *rl_realloc(void *block, size_t size) __attribute__((warn_unused_result));
void rl_free(void *block);
/* Returns a copy of `len` bytes with a NUL after them, or NULL on failure. */
char *rl_strndup(const char *text, size_t len) __attribute__((warn_unused_result));

/* Returns zeroed memory, never NULL. */
void *rl_must_alloc(size_t size) __attribute__((returns_nonnull, warn_unused_result));
char *rl_must_strdup(const char *text) __attribute__((returns_nonnull, warn_unused_result));

/* Test hook, for this thread: the `nth` (from 1) rl_alloc, rl_calloc or rl_realloc from now on fails; with `forever` all
 * later ones too. 0 switches it off. Returns how many allocations were counted since it was last called. */
long rl_alloc_fail_at(long nth, bool forever);
/* The same for `count` of them in a row. Lua asks again after a collection, so two in a row deny it one need. */
long rl_alloc_fail_run(long nth, long count);
/* While paused, allocations of this thread neither fail nor count. */
void rl_alloc_fail_pause(bool paused);

#endif
