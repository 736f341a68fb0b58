/*
 * An engine without a database, as one that talks to a server would behave: no inline reads, answers that come later, a pool
 * of connections that transactions take and give back. What it is asked is written down; the test decides when it answers.
 *
 *   rl_database *db = fake_database_open(&fake, &loop, 1);      one connection for transactions
 *   rl_database_submit(db, op, false);
 *   fake_database_answer(&fake, RL_OK);                         the oldest operation that is under way; done runs here
 */
#ifndef RL_TEST_FAKE_DATABASE_H
#define RL_TEST_FAKE_DATABASE_H

#include "data/database.h"

typedef struct fake_database {
  rl_database database; /* first */
  rl_mail_queue queue;  /* operations that have not been answered, oldest first */
  int connections;      /* that are free */
  uint64_t next_number;
  char log[512]; /* "begin 1, run, commit 1" */
  bool closed;
} fake_database;

rl_database *fake_database_open(fake_database *fake, rl_loop *loop, int connections);
/* Takes up the oldest operation that can run, and answers it. Returns its kind, or -1 if there is none. Those that were dropped
 * are deleted on the way. */
int fake_database_answer(fake_database *fake, int code);
/* Takes it up, without an answer yet. Returns it, or NULL. */
rl_op *fake_database_take(fake_database *fake);
/* Runs the loop until all mail has been delivered. */
void fake_database_deliver(fake_database *fake);

#endif
