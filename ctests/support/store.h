/*
 * A database in a folder of its own, as one worker has it open, for tests of what becomes of writes.
 *
 *   store_setup -> store_run, store_number, store_submit … store_settle -> store_teardown
 */
#ifndef RL_TEST_STORE_H
#define RL_TEST_STORE_H

#include "data/sqlite/sqlite.h"

typedef struct test_store {
  rl_loop loop;
  rl_sqlite *db;
  rl_store_options options;
  rl_sql_error error; /* of the last statement */
  char folder[32], path[64];
  int sent, ended, failed; /* by store_submit */
} test_store;

/* For cmocka: *state becomes a test_store with a table t(a INTEGER UNIQUE). */
int store_setup(void **state);
int store_teardown(void **state);

int store_open(test_store *s);
void store_close(test_store *s);
/* Removes what other processes would have told: the index of the log. */
void store_forget_index(const test_store *s);

/* Runs a write and waits. 0, or a code with s->error. */
int store_run(test_store *s, const char *sql);
/* An operation of a transaction: RL_OP_BEGIN gives *transaction its number. */
int store_step(test_store *s, int kind, const char *sql, uint64_t *transaction);
/* The first number that a statement answers, by a thread that reads; -1: there is none. */
int64_t store_number(test_store *s, const char *sql);
/* Sends a write and does not wait. Returns the operation, which is deleted when it is done. */
rl_op *store_submit(test_store *s, const char *sql);
/* Waits for all that were submitted. */
void store_settle(test_store *s);

#endif
