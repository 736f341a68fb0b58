/*
 * The writer: runs operations that change a database, on its store's writer thread, and commits them in groups.
 *
 *   batch:  [run a] [run b] [PRAGMA] [begin T] [run c] [run d of T] [commit T]
 *
 *   BEGIN IMMEDIATE
 *     SAVEPOINT  a  RELEASE        one failing statement undoes itself, not its neighbours
 *     SAVEPOINT  b  RELEASE
 *   COMMIT                         then a and b are answered: what was acknowledged is durable
 *   PRAGMA                         alone
 *   T: BEGIN IMMEDIATE … d … COMMIT; c waits, and what comes meanwhile
 *
 * Tried, and handled (BLUEPRINT section 2): a deferred foreign key passes RELEASE and would fail the whole COMMIT, so none
 * may be left before each RELEASE; INSERT OR ROLLBACK rolls back its neighbours too, so where autocommit came back those
 * that were not answered run again; a failed fsync means that nothing can be promised any more.
 */
#ifndef RL_DATA_WRITER_H
#define RL_DATA_WRITER_H

#include "data/op.h"

typedef struct rl_writer {
  rl_connection connection;
  sqlite3_stmt *begin, *commit, *rollback, *savepoint, *release, *rollback_to;
  rl_mail_queue deferred; /* what waits for the transaction under way */
  uint64_t transaction;   /* whose turn it is; 0: nobody's */
  bool transaction_lost;  /* it was rolled back by a statement of its own */
  bool broken;            /* an fsync failed */
  int wal_pages;
  atomic_ullong writes, groups, checkpoints;
} rl_writer;

/* Opens the connection. 0 or a code with `error`. `synchronous` as in rl_store_options. */
int rl_writer_open(rl_writer *writer, const char *path, int busy_timeout_ms, const char *synchronous,
                   rl_sql_error *error);
/* Checkpoints and closes. */
void rl_writer_close(rl_writer *writer);
/* Runs all of a batch, as it was sent. `more` fetches what came meanwhile into the same queue (false: nothing), so that it
 * joins the group. */
void rl_writer_run(rl_writer *writer, rl_mail_queue *batch, bool (*more)(void *ud, rl_mail_queue *batch), void *ud);
/* Moves pages from the log into the database where enough have gathered, or `all`. */
void rl_writer_checkpoint(rl_writer *writer, bool all);

/* One statement with its rows, in whatever transaction there is: also what reader threads run. */
int rl_run_statement(rl_connection *connection, const rl_op_statement *statement, rl_op *op);

#endif
