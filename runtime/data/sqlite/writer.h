/*
 * The writer: runs operations that change a database, on its store's writer thread, and commits them in groups.
 *
 *   batch:  [run a] [run b] [PRAGMA] [begin T] [run c] [run d of T] [commit T]
 *
 *   BEGIN IMMEDIATE                another process may hold the file: waits until its busy_timeout after a was queued
 *     SAVEPOINT  a  RELEASE        one failing statement undoes itself, not its neighbours
 *     SAVEPOINT  b  RELEASE
 *   COMMIT                         then a and b are answered: what was acknowledged is durable
 *   PRAGMA                         alone
 *   T: BEGIN IMMEDIATE … d … COMMIT; c waits, and what comes meanwhile
 *
 * An operation is begun once its transaction is open: until then whoever waits for it may drop it.
 *
 * Tried, and handled: a deferred foreign key passes RELEASE and would fail the whole COMMIT, so none may be left before
 * each RELEASE; INSERT OR ROLLBACK rolls back its neighbours too, so where autocommit came back those that were not
 * answered run again; a failed fsync means that nothing can be promised any more.
 */
#ifndef RL_DATA_SQLITE_WRITER_H
#define RL_DATA_SQLITE_WRITER_H

#include "data/op.h"

/* The interactive transaction under way, for who waits for its end. */
typedef struct rl_holder {
  uint64_t transaction; /* 0: none */
  uint64_t since_ns;
  char site[80]; /* where it was begun: "app.lua:12" */
} rl_holder;

typedef struct rl_writer {
  rl_connection connection;
  sqlite3_stmt *begin, *commit, *rollback, *savepoint, *release, *rollback_to;
  rl_mail_queue deferred; /* what waits for the transaction under way */
  uint64_t transaction;   /* whose turn it is; 0: nobody's */
  bool transaction_lost;  /* it was rolled back by a statement of its own */
  bool broken;            /* an fsync failed */
  int wal_pages;
  uint64_t contended_ns; /* since when another process has had the lock, as far as we know */
  uint64_t from_ns;      /* the wait for it counts from here, or from contended_ns where that is later, … */
  uint64_t patience_ns;  /* … lasts so long … */
  rl_mail_queue *batch;  /* those that come after it, … */
  bool (*more)(void *ud, rl_mail_queue *batch); /* … and what came meanwhile */
  void *more_ud;
  const rl_op *first;   /* … and ends when this one is dropped; NULL: nobody's in particular */
  uint64_t complain_ns; /* when those that wait for the transaction are next told of it */
  uv_mutex_t holder_lock;
  rl_holder holder;
  atomic_ullong writes, groups, checkpoints;
} rl_writer;

/* Opens the connection, for which another process is waited so long. 0 or a code with `error`. `synchronous` as in
 * rl_store_options. */
int rl_writer_open(rl_writer *writer, const char *path, int busy_timeout_ms, const char *synchronous,
                   rl_sql_error *error);
/* Checkpoints and closes. */
void rl_writer_close(rl_writer *writer);
/* Runs all of a batch, as it was sent. `more` fetches what came meanwhile into the same queue (false: nothing), so that it
 * joins the group. */
void rl_writer_run(rl_writer *writer, rl_mail_queue *batch, bool (*more)(void *ud, rl_mail_queue *batch), void *ud);
/* Moves pages from the log into the database where enough have gathered, or `all`. */
void rl_writer_checkpoint(rl_writer *writer, bool all);
/* Logs what has waited long for a transaction, and where that was begun. Called now and then, on the writer's thread. */
void rl_writer_complain(rl_writer *writer);
/* The transaction under way. From any thread. */
rl_holder rl_writer_holder(rl_writer *writer);

/* ---- between writer.c and migrate.c ---- */

/* BEGIN IMMEDIATE, after which `op` is begun. RL_ECANCELLED where it was dropped before; another code with op->error. */
int rl_writer_lock(rl_writer *writer, rl_op *op);
/* The same once it has begun: another process is waited for anew. */
int rl_writer_lock_again(rl_writer *writer, rl_op *op);
int rl_writer_commit(rl_writer *writer, rl_sql_error *error);
/* Where a transaction is open; what is TEMP goes with it. */
void rl_writer_roll_back(rl_writer *writer);
/* Runs the migrations of an operation. */
int rl_writer_migrate(rl_writer *writer, rl_op *op);

#endif
