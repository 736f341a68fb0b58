/*
 * The header of a database's WAL index: memory that all connections to the file share, in this process and in others. Each
 * commit changes it before it returns (a counter of commits, the last frame of the log, checksums), so two equal headers mean one
 * state of the database. Checkpoints leave it alone; a log that starts again from its front changes it.
 *
 *   -shm   | header, 48 bytes | the same again | …      https://sqlite.org/walformat.html#walidxfmt
 *            written last       written first
 *
 * Only read here, without a lock: a header that is being written looks like none that was there before.
 */
#ifndef RL_DATA_SQLITE_WAL_INDEX_H
#define RL_DATA_SQLITE_WAL_INDEX_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RL_WAL_INDEX_WORDS = 6 };

typedef _Atomic(uint64_t) rl_wal_index_word;

/* A header as it was at some moment. */
typedef struct rl_wal_index_state {
  uint64_t words[RL_WAL_INDEX_WORDS];
} rl_wal_index_state;

/* Returns the header of a connection that is in WAL mode and has read; borrowed until that is closed. NULL if the index is not
 * shared memory (it is in a folder that cannot be written), or of a format that is not known here. */
const rl_wal_index_word *rl_wal_index_of(sqlite3 *db);

static inline rl_wal_index_state rl_wal_index_read(const rl_wal_index_word *header) {
  rl_wal_index_state state;
  for (int i = 0; i < RL_WAL_INDEX_WORDS; i++) state.words[i] = atomic_load_explicit(&header[i], memory_order_acquire);
  return state;
}

static inline bool rl_wal_index_is(const rl_wal_index_word *header, const rl_wal_index_state *state) {
  uint64_t changed = 0;
  for (int i = 0; i < RL_WAL_INDEX_WORDS; i++)
    changed |= atomic_load_explicit(&header[i], memory_order_acquire) ^ state->words[i];
  return !changed;
}

#endif
