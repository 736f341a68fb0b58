/* Rules for the operations of every engine, through an engine that has no database. */
#include "data/database.h"

#include "base/error.h"
#include "support/fake_database.h"
#include "support/test.h"

static rl_loop loop;
static fake_database fake;
static rl_database *db;
static int ended;
static void *last_owner;
static rl_sql_error last_error;

static void done(rl_op *op) {
  ended++;
  last_owner = op->owner;
  last_error = op->error;
  rl_op_del(op);
}

static int setup(void **state) {
  (void)state;
  ended = 0;
  if (rl_loop_init(&loop)) return -1;
  db = fake_database_open(&fake, &loop, 1);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  while (fake_database_answer(&fake, RL_OK) >= 0) continue;
  db->ops->close(db);
  return rl_loop_free(&loop);
}

static rl_op *new_op(int kind) {
  rl_op *op = rl_op_new(kind, 1);
  assert_non_null(op);
  op->done = done;
  op->owner = &ended;
  assert_int_equal(rl_op_add(op, RL_SLICE(""), RL_SLICE("SELECT 1"), NULL), 0);
  return op;
}

TEST(an_answer_comes_later_and_once) {
  UNUSED;
  rl_database_submit(db, new_op(RL_OP_RUN), false);
  assert_int_equal(ended, 0);
  assert_int_equal(loop.held, 1);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_RUN);
  assert_int_equal(ended, 1);
  assert_int_equal(loop.held, 0);
  assert_ptr_equal(last_owner, &ended);
  assert_int_equal(last_error.code, 0);
}

TEST(an_operation_is_as_patient_as_its_handle) {
  UNUSED;
  rl_op *op = new_op(RL_OP_RUN);
  rl_database_submit(db, op, false);
  assert_int_equal(op->patience_ns, 7);
}

TEST(writes_of_a_handle_that_reads_only_never_reach_the_engine) {
  UNUSED;
  db->read_only = true;
  rl_database_submit(db, new_op(RL_OP_RUN), false);
  assert_int_equal(ended, 0); /* not from inside the call */
  fake_database_deliver(&fake);
  assert_int_equal(ended, 1);
  assert_int_equal(last_error.code, RL_EINVALID);
  assert_string_equal(last_error.message, "the database is open read-only");
  rl_op *op = new_op(RL_OP_BEGIN);
  rl_database_begin(db, op);
  assert_int_equal(op->transaction, 0);
  fake_database_deliver(&fake);
  assert_int_equal(ended, 2);
  assert_string_equal(fake.log, "");
  rl_database_submit(db, new_op(RL_OP_RUN), true);
  assert_string_equal(fake.log, "read");
}

TEST(what_was_dropped_before_it_began_never_comes_home) {
  UNUSED;
  rl_op *op = new_op(RL_OP_RUN);
  rl_database_submit(db, op, false);
  assert_true(rl_op_drop(op));
  assert_int_equal(loop.held, 0);
  assert_int_equal(fake_database_answer(&fake, RL_OK), -1);
  assert_int_equal(ended, 0);
}

TEST(what_has_begun_comes_home_without_an_owner) {
  UNUSED;
  rl_op *op = new_op(RL_OP_RUN);
  rl_database_submit(db, op, false);
  assert_ptr_equal(fake_database_take(&fake), op);
  assert_false(rl_op_try_drop(op));
  assert_ptr_equal(op->owner, &ended);
  assert_true(atomic_load(&op->cancelled));
  assert_false(rl_op_drop(op));
  rl_op_finish(op);
  fake_database_deliver(&fake);
  assert_int_equal(ended, 1);
  assert_null(last_owner);
}

TEST(a_transaction_waits_for_a_connection_of_the_pool) {
  UNUSED;
  rl_op *first = new_op(RL_OP_BEGIN), *second = new_op(RL_OP_BEGIN);
  rl_database_begin(db, first);
  rl_database_begin(db, second);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_BEGIN);
  assert_int_equal(fake_database_answer(&fake, RL_OK), -1);
  rl_op *commit = new_op(RL_OP_COMMIT);
  commit->transaction = 1;
  rl_database_end(db, commit);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_COMMIT);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_BEGIN);
  assert_string_equal(fake.log, "begin 1, begin 2, commit 1");
}

TEST(a_rollback_that_nobody_waits_for_holds_no_loop) {
  UNUSED;
  rl_op *op = new_op(RL_OP_ROLLBACK);
  op->transaction = 1;
  rl_database_abandon(db, op);
  assert_int_equal(loop.held, 0);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_ROLLBACK);
  assert_int_equal(ended, 0);
}

TEST(an_engine_without_a_holder_has_none) {
  UNUSED;
  assert_int_equal(rl_database_holder(db).transaction, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(an_answer_comes_later_and_once),
      CASE(an_operation_is_as_patient_as_its_handle),
      CASE(writes_of_a_handle_that_reads_only_never_reach_the_engine),
      CASE(what_was_dropped_before_it_began_never_comes_home),
      CASE(what_has_begun_comes_home_without_an_owner),
      CASE(a_transaction_waits_for_a_connection_of_the_pool),
      CASE(a_rollback_that_nobody_waits_for_holds_no_loop),
      CASE(an_engine_without_a_holder_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
