/*
 * Works off what is queued for the writer: writes that wait together are committed as one group.
 *
 *   batch:  [run a] [run b] [PRAGMA] [begin T] [run c] [run d of T] [commit T]
 *
 *   BEGIN IMMEDIATE                another process may hold the file: waits until its busy_timeout after a was queued
 *     SAVEPOINT  a  RELEASE        one failing statement undoes itself, not its neighbours
 *     SAVEPOINT  b  RELEASE
 *   COMMIT                         then a and b are answered: what was acknowledged is durable
 *   PRAGMA                         alone
 *   T: BEGIN IMMEDIATE … d … COMMIT; c waits, and so does what comes meanwhile
 *
 * Tried, and handled: a deferred foreign key passes RELEASE and would fail the whole COMMIT, so none may be left before
 * each RELEASE; INSERT OR ROLLBACK rolls back its neighbours too, so if autocommit came back those that were not
 * answered run again.
 */
#ifndef RL_DATA_SQLITE_BATCH_H
#define RL_DATA_SQLITE_BATCH_H

#include "data/sqlite/writer.h"

/* Runs all of a batch, in the order in which it was sent. `more` fetches what came meanwhile into the same queue (false:
 * nothing), so that it joins the group. */
void rl_batch_run(rl_writer *writer, rl_mail_queue *batch, bool (*more)(void *ud, rl_mail_queue *batch), void *ud);

#endif
