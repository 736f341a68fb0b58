/* The life of a transaction, by an engine that has no database. */
#include "data/transaction.h"

#include "base/error.h"
#include "support/fake_database.h"
#include "support/test.h"

static rl_loop loop;
static fake_database fake;
static rl_database *db;
static rl_transaction t;
static rl_list list;
static int last_code;

/* As the binding does it: the answer changes the state. */
static void done(rl_op *op) {
  last_code = op->error.code;
  if (op->owner && op->kind == RL_OP_BEGIN) rl_transaction_begun(&t, op->error.code);
  if (op->owner && (op->kind == RL_OP_COMMIT || op->kind == RL_OP_ROLLBACK)) rl_transaction_end(&t, NULL);
  rl_op_del(op);
}

static int setup(void **state) {
  (void)state;
  if (rl_loop_init(&loop)) return -1;
  db = fake_database_open(&fake, &loop, 1);
  rl_list_init(&list);
  return rl_transaction_init(&t, db);
}

static int teardown(void **state) {
  (void)state;
  while (fake_database_answer(&fake, RL_OK) >= 0) continue;
  rl_transaction_free(&t);
  rl_transaction_free(&t);
  rl_loop_clock_thaw(&loop);
  return rl_loop_free(&loop);
}

static rl_op *new_op(int kind) {
  rl_op *op = rl_op_new(kind, 0);
  assert_non_null(op);
  op->done = done;
  op->owner = &t;
  return op;
}

static void begin(void) { rl_transaction_begin(&t, new_op(RL_OP_BEGIN), 7, &list); }

static void open_it(void) {
  begin();
  fake_database_answer(&fake, RL_OK);
}

static rl_op *submit(int kind, uint64_t task) {
  rl_op *op = new_op(kind);
  assert_int_equal(rl_transaction_submit(&t, op, task), 0);
  return op;
}

TEST(it_is_begun_once_and_ended_once) {
  UNUSED;
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  begin();
  assert_int_equal(t.state, RL_TRANSACTION_BEGINNING);
  assert_int_equal(t.number, 1);
  assert_int_equal(t.task, 7);
  assert_false(rl_list_empty(&list));
  fake_database_answer(&fake, RL_OK);
  assert_int_equal(t.state, RL_TRANSACTION_OPEN);
  submit(RL_OP_RUN, 7);
  submit(RL_OP_COMMIT, 7);
  assert_int_equal(t.state, RL_TRANSACTION_ENDING);
  fake_database_answer(&fake, RL_OK);
  fake_database_answer(&fake, RL_OK);
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  assert_true(rl_list_empty(&list));
  assert_string_equal(fake.log, "begin 1, run 1, commit 1");
}

TEST(a_begin_that_fails_ends_it_and_sends_nothing) {
  UNUSED;
  begin();
  fake_database_answer(&fake, RL_EBUSY);
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  assert_false(rl_transaction_abandon(&t, NULL));
  assert_string_equal(fake.log, "begin 1");
}

TEST(a_begin_on_a_handle_that_reads_only_has_nothing_to_roll_back) {
  UNUSED;
  db->read_only = true;
  begin();
  assert_false(rl_transaction_abandon(&t, NULL));
  fake_database_deliver(&fake);
  assert_int_equal(last_code, RL_EINVALID);
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  assert_string_equal(fake.log, "");
}

TEST(one_that_is_abandoned_is_rolled_back_and_nobody_waits) {
  UNUSED;
  open_it();
  assert_false(rl_transaction_abandon(&t, ": gone"));
  assert_string_equal(t.why, ": gone");
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  assert_null(t.rollback);
  assert_int_equal(loop.held, 0);
  assert_string_equal(fake.log, "begin 1, rollback 1");
  rl_transaction_abandon(&t, "again");
  assert_string_equal(t.why, ": gone");
}

TEST(abandoned_before_its_begin_was_taken_up_it_sends_nothing) {
  UNUSED;
  begin();
  assert_true(rl_transaction_abandon(&t, NULL));
  assert_int_equal(loop.held, 0);
  assert_int_equal(fake_database_answer(&fake, RL_OK), -1);
  assert_string_equal(fake.log, "begin 1");
}

/* The rollback is queued after the begin, and the answer to that changes nothing any more. */
TEST(abandoned_while_its_begin_is_under_way_it_is_rolled_back) {
  UNUSED;
  begin();
  rl_op *op = fake_database_take(&fake);
  assert_false(rl_transaction_abandon(&t, NULL));
  rl_op_finish(op);
  fake_database_deliver(&fake);
  assert_int_equal(t.state, RL_TRANSACTION_ENDED);
  assert_int_equal(fake_database_answer(&fake, RL_OK), RL_OP_ROLLBACK);
}

/* Its waiter is gone with the state, and the operation may be deleted: nothing may look at it. */
TEST(a_begin_whose_waiter_let_go_is_not_dropped_twice) {
  UNUSED;
  begin();
  rl_op *op = fake_database_take(&fake);
  assert_false(rl_op_drop(op));
  rl_transaction_detach(&t, op);
  rl_op_finish(op);
  fake_database_deliver(&fake);
  assert_int_equal(t.state, RL_TRANSACTION_BEGINNING);
  assert_false(rl_transaction_abandon(&t, NULL));
  assert_string_equal(fake.log, "begin 1, rollback 1");
}

TEST(a_commit_that_was_dropped_leaves_it_open) {
  UNUSED;
  open_it();
  rl_op *op = submit(RL_OP_COMMIT, 7);
  assert_true(rl_op_try_drop(op));
  rl_transaction_dropped(&t, RL_OP_COMMIT, 0);
  assert_int_equal(t.state, RL_TRANSACTION_OPEN);
}

TEST(savepoints_nest_and_take_those_inside_along) {
  UNUSED;
  open_it();
  for (uint64_t task = 1; task <= 9; task++) submit(RL_OP_SAVEPOINT, task);
  assert_int_equal(t.save_count, 9);
  assert_int_equal(rl_transaction_inner_task(&t), 9);
  rl_transaction_leave(&t, 4);
  assert_int_equal(t.save_count, 3);
  assert_int_equal(rl_transaction_inner_task(&t), 3);
  rl_transaction_leave(&t, 4); /* is gone already */
  assert_int_equal(t.save_count, 3);
  rl_transaction_leave(&t, 1);
  assert_int_equal(rl_transaction_inner_task(&t), 0);
}

TEST(a_savepoint_that_was_dropped_was_never_there) {
  UNUSED;
  open_it();
  submit(RL_OP_SAVEPOINT, 1);
  rl_op *op = submit(RL_OP_SAVEPOINT, 2);
  assert_true(rl_op_try_drop(op));
  rl_transaction_dropped(&t, RL_OP_SAVEPOINT, 2);
  assert_int_equal(t.save_count, 1);
}

/* ---- idle --------------------------------------------------------------------------------------------------------------- */

static int idled;

static void on_idle(rl_transaction *transaction) {
  idled++;
  rl_transaction_abandon(transaction, ": idle");
}

static void open_with_a_limit(void) {
  rl_loop_clock_freeze(&loop);
  db->idle_ms = 5000;
  t.on_idle = on_idle;
  idled = 0;
  open_it();
}

/* The loop runs each millisecond. */
static void wait_ms(uint64_t ms) {
  while (ms--) rl_loop_advance_to(&loop, loop.virtual_now + 1);
}

TEST(one_that_is_idle_for_too_long_says_so_once) {
  UNUSED;
  open_with_a_limit();
  wait_ms(4999);
  assert_int_equal(idled, 0);
  wait_ms(1);
  assert_int_equal(idled, 1);
  assert_string_equal(fake.log, "begin 1, rollback 1");
  wait_ms(100000);
  assert_int_equal(idled, 1);
}

/* Its task had no chance to go on. */
TEST(a_loop_that_was_blocked_does_not_make_it_idle) {
  UNUSED;
  open_with_a_limit();
  wait_ms(500);
  rl_loop_advance_to(&loop, loop.virtual_now + 600000);
  assert_int_equal(idled, 0);
  rl_loop_advance_to(&loop, loop.virtual_now + 600000);
  wait_ms(2500);
  assert_int_equal(idled, 0);
  wait_ms(1000);
  assert_int_equal(idled, 1);
}

TEST(one_with_an_operation_under_way_is_not_idle) {
  UNUSED;
  open_with_a_limit();
  rl_op *first = submit(RL_OP_RUN, 7), *second = submit(RL_OP_RUN, 7);
  wait_ms(60000);
  assert_int_equal(idled, 0);
  rl_transaction_answered(&t);
  wait_ms(60000);
  assert_int_equal(idled, 0);
  assert_true(rl_op_try_drop(first) && rl_op_try_drop(second));
  rl_transaction_answered(&t);
  wait_ms(4999);
  assert_int_equal(idled, 0);
  wait_ms(1);
  assert_int_equal(idled, 1);
}

TEST(one_that_ends_or_may_wait_for_ever_is_never_idle) {
  UNUSED;
  open_with_a_limit();
  submit(RL_OP_COMMIT, 7);
  rl_transaction_answered(&t);
  wait_ms(60000);
  assert_int_equal(idled, 0);
  rl_transaction_end(&t, NULL);
  db->idle_ms = 0;
  open_it();
  wait_ms(600000);
  assert_int_equal(idled, 0);
  rl_transaction_end(&t, NULL);
}

TEST(a_commit_that_was_dropped_leaves_it_idle) {
  UNUSED;
  open_with_a_limit();
  rl_op *op = submit(RL_OP_COMMIT, 7);
  wait_ms(60000);
  assert_true(rl_op_try_drop(op));
  rl_transaction_dropped(&t, RL_OP_COMMIT, 0);
  rl_transaction_answered(&t);
  wait_ms(5000);
  assert_int_equal(idled, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(it_is_begun_once_and_ended_once),
      CASE(a_begin_that_fails_ends_it_and_sends_nothing),
      CASE(a_begin_on_a_handle_that_reads_only_has_nothing_to_roll_back),
      CASE(one_that_is_abandoned_is_rolled_back_and_nobody_waits),
      CASE(abandoned_before_its_begin_was_taken_up_it_sends_nothing),
      CASE(abandoned_while_its_begin_is_under_way_it_is_rolled_back),
      CASE(a_begin_whose_waiter_let_go_is_not_dropped_twice),
      CASE(a_commit_that_was_dropped_leaves_it_open),
      CASE(savepoints_nest_and_take_those_inside_along),
      CASE(a_savepoint_that_was_dropped_was_never_there),
      CASE(one_that_is_idle_for_too_long_says_so_once),
      CASE(a_loop_that_was_blocked_does_not_make_it_idle),
      CASE(one_with_an_operation_under_way_is_not_idle),
      CASE(one_that_ends_or_may_wait_for_ever_is_never_idle),
      CASE(a_commit_that_was_dropped_leaves_it_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
