/*
 * Works off what is queued for the writer (write_queue.h): writes that wait together are committed as one group.
 *
 *   taken:  [run a] [run b] [PRAGMA] [begin T] [run c] [run d of T] [commit T]
 *
 *   BEGIN IMMEDIATE                another process may hold the file: waits until its busy_timeout after a was queued
 *     SAVEPOINT  a  RELEASE        one failing statement undoes itself, not its neighbours
 *     SAVEPOINT  b  RELEASE
 *   COMMIT                         then a and b are answered: what was acknowledged is durable
 *   PRAGMA                         alone
 *   T: BEGIN IMMEDIATE … d … COMMIT; c waits, and so does what comes meanwhile
 *
 * A group has at most RL_LIMIT_BATCH writes, of all workers in turn. So a write waits for the group that is committed, and is in
 * the next one, unless its own worker has sent more.
 *
 * Tried, and handled: a deferred foreign key passes RELEASE and would fail the whole COMMIT, so none may be left before
 * each RELEASE; INSERT OR ROLLBACK rolls back its neighbours too, so if autocommit came back those that were not
 * answered run again.
 */
#ifndef RL_DATA_SQLITE_BATCH_H
#define RL_DATA_SQLITE_BATCH_H

#include "data/sqlite/writer.h"

/* Runs what waits, and what comes meanwhile, until nothing is left but what waits for a transaction. */
void rl_batch_run(rl_writer *writer);

#endif
