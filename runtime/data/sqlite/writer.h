/*
 * The writer of a store: the one connection that changes the database, with the transactions that rille opens on it. Belongs
 * to the store's writer thread; batch.h decides what runs in them.
 *
 * It waits for other processes as SQLite's own handler does, but until a moment of ours: whoever was queued while the lock was
 * held elsewhere has waited already, whoever was queued after a long write of our own has not.
 *
 * An operation has begun once its transaction is open: until then whoever waits for it may drop it. After a failed sync
 * nothing is written until the database has recovered (`broken`; recovery.h).
 */
#ifndef RL_DATA_SQLITE_WRITER_H
#define RL_DATA_SQLITE_WRITER_H

#include "data/database.h"
#include "data/sqlite/connection.h"
#include "data/sqlite/write_queue.h"

/* Of a failed sync. In milliseconds of rl_loop_wall. */
typedef struct rl_recovery {
  int64_t broken_ms; /* when it failed */
  int64_t tried_ms;  /* when recovery was last tried, … */
  int64_t pause_ms;  /* … and how long after that it is tried again; 0: at once */
} rl_recovery;

typedef struct rl_writer {
  rl_connection connection;
  sqlite3_stmt *begin, *commit, *rollback, *savepoint, *release, *rollback_to;
  rl_write_queue *queue; /* the store's: what waits; NULL: nothing does */
  uint64_t transaction;  /* whose turn it is; 0: nobody's */
  bool transaction_lost; /* it was rolled back by a statement of its own */
  bool broken;           /* the disk failed to sync, and the database has not recovered */
  rl_recovery recovery;
  int wal_pages;         /* pages in the log since the last checkpoint, … */
  int log_pages;         /* … all there are, … */
  int page_size;         /* … so large, … */
  int restart_pages;     /* … and with how many readers are next waited for, so that the log begins anew */
  uint64_t contended_ns; /* since when another process has had the lock, as far as we know */
  uint64_t from_ns;      /* the wait for it counts from here, or from contended_ns if that is later, … */
  uint64_t patience_ns;  /* … lasts so long … */
  const rl_op *first;    /* … and ends when this one is dropped; NULL: nobody's in particular */
  bool expires;          /* the patience of those that wait in the queue counts too */
  uint64_t complain_ns;  /* when those that wait for the transaction are next told of it */
  uv_mutex_t holder_lock;
  rl_holder holder;
  atomic_ullong writes, groups, checkpoints;
} rl_writer;

/* Opens the connection, and waits up to `busy_timeout_ms` for another process. 0 or a code with `error`. `synchronous` as in
 * rl_store_options. */
int rl_writer_open(rl_writer *writer, const char *path, int busy_timeout_ms, const char *synchronous,
                   rl_sql_error *error);
/* Checkpoints and closes; answers what waits in the queue for a transaction that has not ended. */
void rl_writer_close(rl_writer *writer);
/* Moves pages from the log into the database: `all`, or only if enough have gathered. */
void rl_writer_checkpoint(rl_writer *writer, bool all);
/* Moves all pages and empties the log, if no reader is in its way, or is gone within `patience_ms`. */
void rl_writer_empty_log(rl_writer *writer, unsigned patience_ms);
/* Notes how a statement or a checkpoint has ended, by SQLite's extended code: if the disk failed to sync, the writer is broken. */
void rl_writer_note_sync(rl_writer *writer, int extended);

/* BEGIN IMMEDIATE, after which `op` has begun. RL_ECANCELLED if it was dropped before; another code with op->error. */
int rl_writer_lock(rl_writer *writer, rl_op *op);
/* The same once it has begun: the wait for another process counts from now. */
int rl_writer_lock_again(rl_writer *writer, rl_op *op);
int rl_writer_commit(rl_writer *writer, rl_sql_error *error);
/* Rolls back if a transaction is open; what is TEMP goes with it. */
void rl_writer_roll_back(rl_writer *writer);
bool rl_writer_in_transaction(const rl_writer *writer);
/* Runs an operation inside the open transaction; it undoes itself if it fails. */
int rl_writer_run_in_savepoint(rl_writer *writer, rl_op *op);

/* The next statement waits for another process until `patience_ns` after `from_ns`, or until `first` (NULL: none) is dropped … */
void rl_writer_be_patient(rl_writer *writer, const rl_op *first, uint64_t from_ns, uint64_t patience_ns);
/* … and has ended with `code`: RL_EBUSY puts who holds the file into the operation's error. */
void rl_writer_lock_ended(rl_writer *writer, rl_op *op, int code);

#endif
