/*
 * Sessions in memory, shared by all workers of the process: one table (base/lru.h) under one lock, held for microseconds.
 *
 * Bounded twice, by number and by bytes: beyond, the least recently used go. Expired ones go when they are met, and every
 * save looks at a few buckets for more, so that no sweep ever holds the lock for long.
 */
#ifndef RL_SESSION_MEMORY_H
#define RL_SESSION_MEMORY_H

#include "session/store.h"

typedef struct rl_session_memory rl_session_memory;

/* Makes a table of at most so many sessions, and so many bytes of them. Returns NULL if out of memory. */
rl_session_memory *rl_session_memory_new(size_t most, size_t most_bytes);
void rl_session_memory_del(rl_session_memory *memory);
/* Returns the one of this process, made when first asked for; NULL if out of memory. Nobody deletes it. */
rl_session_memory *rl_session_memory_shared(void);

/* Returns it as a store; `store->del` does nothing. */
rl_session_store *rl_session_memory_store(rl_session_memory *memory);

/* Counts the sessions in it, including expired ones that nobody has met yet. */
size_t rl_session_memory_count(rl_session_memory *memory);

/* Sets a mark that lasts until `expires_ms`: the sealed store remembers by it what was taken back. 0 or RL_ENOMEM. */
int rl_session_memory_mark(rl_session_memory *memory, const uint8_t key[32], int64_t now_ms, int64_t expires_ms);
bool rl_session_memory_is_marked(rl_session_memory *memory, const uint8_t key[32], int64_t now_ms);

#endif
