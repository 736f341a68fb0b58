/*
 * A store: one database file in this process. All workers that open the file share it.
 *
 *   worker 1 --\                        +--> reader thread 1 (read-only connection)
 *   worker 2 ---+-- rl_store -----------+--> …
 *   worker 3 --/      |
 *                     +--> the writer: one thread, one connection, everything that writes
 *
 * The writer commits what is queued in groups (batch.h), of all workers in turn (write_queue.h). There is no SQLITE_BUSY inside one process by
 * construction. The writer opens first and closes last, else the -wal file stays.
 * A ":memory:" store belongs to the one who opened it; its reads go to the writer too.
 */
#ifndef RL_DATA_SQLITE_STORE_H
#define RL_DATA_SQLITE_STORE_H

#include "data/op.h"
#include "data/sqlite/writer.h"
#include "loop/service.h"

enum { RL_STORE_READERS_MAX = 16, RL_STORE_BUSY_TIMEOUT_MS = 5000, RL_STORE_IDLE_TIMEOUT_MS = 5000 };

typedef struct rl_store rl_store;

/* An option that is not given (0, -1, NULL) has its default, or the value with which the file is open already. */
typedef struct rl_store_options {
  bool read_only;
  int readers;         /* threads for slow reads, from 1 to RL_STORE_READERS_MAX, default 1 */
  int busy_timeout_ms; /* how long to wait for another process, default RL_STORE_BUSY_TIMEOUT_MS; each handle's own */
  int idle_timeout_ms; /* how long a transaction may be idle, 0: for ever; default RL_STORE_IDLE_TIMEOUT_MS; each handle's own */
  int queue;           /* how many writes may wait (write_queue.h), default RL_LIMIT_SQL_QUEUE */
  const char *synchronous; /* "FULL" (default), "NORMAL", "EXTRA", "OFF" */
} rl_store_options;

#define RL_STORE_OPTIONS_DEFAULT ((rl_store_options){.busy_timeout_ms = -1, .idle_timeout_ms = -1})

typedef struct rl_store_stats {
  uint64_t writes, groups, reads; /* operations, commits, reads on threads */
  uint64_t checkpoints;
} rl_store_stats;

/* Returns the store of a path, and opens it if nobody has. NULL with `error`, also if it is open with other options than those
 * given. One file is one store, by whatever path. Thread-safe. */
rl_store *rl_store_open(const char *path, const rl_store_options *options, rl_sql_error *error);
/* Gives up one reference; the last one waits for the writes that are queued and closes the file. Reads that take long end early
 * then, with RL_ECLOSED. */
void rl_store_close(rl_store *store);

/* The place of a worker's writes in the queue, for each handle that the worker has. NULL if out of memory. Left before the store is
 * closed; what was sent is still written. */
rl_write_line *rl_store_join(rl_store *store, const rl_loop *worker);
void rl_store_leave(rl_store *store, rl_write_line *line);

/* Hands an operation over, which its loop holds already. From that loop, or, if op->loop is NULL, from any thread. If too many
 * writes wait it is answered with RL_EBUSY (write_queue.h). A read goes to the writer too where there are no readers. */
void rl_store_write(rl_store *store, rl_write_line *line, rl_op *op);
void rl_store_read(rl_store *store, rl_write_line *line, rl_op *op);
/* Makes a stream of the statement in `request`, whose operations go to rl_store_read; takes the request, or returns NULL if out
 * of memory. Only where there are readers: not in memory. */
rl_row_stream *rl_store_stream(rl_store *store, rl_op *request);
/* Ends it after what was sent before; before the store is closed. */
void rl_store_close_stream(rl_store *store, rl_row_stream *stream);
/* A number for an interactive transaction. */
uint64_t rl_store_new_transaction(rl_store *store);

/* The interactive transaction under way. */
rl_holder rl_store_holder(rl_store *store);

const char *rl_store_path(const rl_store *store);
bool rl_store_is_memory(const rl_store *store);
bool rl_store_is_read_only(const rl_store *store);
rl_store_stats rl_store_get_stats(const rl_store *store);

#endif
