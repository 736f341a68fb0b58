/* Whose write is next, who is refused where there is no room, and what becomes of both in a store whose writer is held. */
#include "data/sqlite/write_queue.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "support/lossy_disk.h"
#include "support/store.h"
#include "support/test.h"

/* ---- the queue by itself --------------------------------------------------------------------------------------------------- */

enum { WORKERS = 3 };

static rl_write_queue queue;
static rl_loop workers[WORKERS]; /* only their addresses */
static rl_write_line *lines[WORKERS];
static rl_write_refusal refusal;
static bool wakes;

static int queue_setup(void **state) {
  (void)state;
  if (rl_write_queue_init(&queue, (rl_write_load){.count = 12, .size = 1200})) return -1;
  for (int i = 0; i < WORKERS; i++) lines[i] = rl_write_queue_join(&queue, &workers[i]);
  return 0;
}

static int queue_teardown(void **state) {
  (void)state;
  for (rl_op *op; (op = rl_write_queue_take(&queue, 0));) rl_op_del(op);
  for (int i = 0; i < WORKERS; i++)
    if (lines[i]) rl_write_queue_leave(&queue, lines[i]);
  bool left = queue.line_count || queue.load.count || queue.load.size;
  rl_write_queue_free(&queue);
  return left ? -1 : 0;
}

/* An operation with a number to know it by. */
static rl_op *make(int kind, int number, uint64_t transaction) {
  rl_op *op = rl_op_new(kind, 0);
  assert_non_null(op);
  op->at = number;
  op->transaction = transaction;
  op->size = 10;
  return op;
}

static int put_op(int worker, rl_op *op) {
  int code = rl_write_queue_send(&queue, lines[worker], op, &wakes, &refusal);
  if (code) rl_op_del(op);
  return code;
}

static int put(int worker, int number) { return put_op(worker, make(RL_OP_RUN, number, 0)); }

static int put_inside(int worker, int kind, int number, uint64_t transaction) {
  return put_op(worker, make(kind, number, transaction));
}

/* Its number; 0: there is none. */
static int number_of(rl_op *op) {
  int number = op ? op->at : 0;
  if (op) rl_op_del(op);
  return number;
}

static int take(uint64_t transaction) { return number_of(rl_write_queue_take(&queue, transaction)); }

static bool is_plain(const rl_op *op) { return op->kind == RL_OP_RUN && !op->transaction; }

static int join(void) { return number_of(rl_write_queue_take_if(&queue, is_plain)); }

TEST(lines_are_served_in_turn_and_each_in_order) {
  UNUSED;
  for (int i = 1; i <= 5; i++) put(0, i);
  put(1, 11);
  put(2, 21);
  put(2, 22);
  static const int expected[] = {1, 11, 21, 2, 22, 3, 4, 5, 0};
  for (int i = 0; i < 9; i++) assert_int_equal(take(0), expected[i]);
}

/* Each worker's first one may not join, but for one worker, which never runs out: the others are next all the same. */
TEST(a_line_that_was_passed_over_is_next) {
  UNUSED;
  put_inside(0, RL_OP_BEGIN, 1, 7);
  put_inside(1, RL_OP_BEGIN, 11, 8);
  for (int i = 1; i <= 6; i++) put(2, 20 + i);
  assert_int_equal(join(), 21);
  assert_int_equal(join(), 22);
  assert_int_equal(take(0), 1);
  assert_int_equal(join(), 23);
  assert_int_equal(take(0), 11);
  assert_int_equal(join(), 24);
  assert_int_equal(join(), 25);
  assert_int_equal(join(), 26);
  assert_int_equal(join(), 0);
}

TEST(an_open_transaction_goes_first_and_everybody_else_waits) {
  UNUSED;
  put_inside(0, RL_OP_BEGIN, 1, 7);
  put(0, 2);
  put(1, 11);
  assert_int_equal(take(0), 1);
  assert_int_equal(take(7), 0);
  put_inside(0, RL_OP_RUN, 3, 7);
  put_inside(0, RL_OP_COMMIT, 4, 7);
  assert_int_equal(take(7), 3);
  assert_int_equal(take(7), 4);
  assert_int_equal(take(7), 0);
  assert_int_equal(take(0), 11); /* the other worker: this one has had its turn */
  assert_int_equal(take(0), 2);
}

/* Taken for one that has ended, it would be refused, and the transaction would never end. */
TEST(a_rollback_that_comes_before_its_begin_was_taken_comes_after_it) {
  UNUSED;
  put(0, 1);
  put_inside(0, RL_OP_BEGIN, 2, 7);
  put_inside(0, RL_OP_ROLLBACK, 3, 7);
  put(0, 4);
  assert_int_equal(take(0), 1);
  assert_int_equal(take(0), 2);
  put_inside(0, RL_OP_RUN, 5, 7);
  assert_int_equal(take(7), 3); /* before what was sent after it */
  assert_int_equal(take(7), 5);
  assert_int_equal(take(0), 4);
}

TEST(what_is_inside_a_transaction_that_has_ended_is_taken_in_its_turn) {
  UNUSED;
  put(0, 1);
  put_inside(0, RL_OP_RUN, 2, 6);
  put_inside(0, RL_OP_RUN, 3, 7);
  assert_int_equal(take(7), 3);
  assert_int_equal(take(7), 0);
  put(0, 4);
  static const int expected[] = {1, 2, 4, 0};
  for (int i = 0; i < 4; i++) assert_int_equal(take(0), expected[i]);
}

TEST(one_that_is_alone_fills_the_queue_and_the_others_have_their_share) {
  UNUSED;
  for (int i = 0; i < 12; i++) assert_int_equal(put(0, i + 1), 0);
  assert_int_equal(put(0, 13), RL_EBUSY);
  assert_int_equal(refusal.all.count, 12);
  assert_int_equal(refusal.own.size, 120);
  assert_int_equal(refusal.share.count, 4);
  assert_int_equal(refusal.workers, WORKERS);
  for (int worker = 1; worker < WORKERS; worker++) {
    for (int i = 0; i < 4; i++) assert_int_equal(put(worker, 10 * worker + i), 0);
    assert_int_equal(put(worker, 99), RL_EBUSY);
  }
  assert_int_equal(queue.load.count, 20);                    /* never twice as many as the limit */
  assert_int_equal(put_inside(0, RL_OP_ROLLBACK, 14, 7), 0); /* everybody waits for that */
  for (int i = 0; i < 10; i++) take(0);
  assert_int_equal(queue.load.count, 11);
  assert_int_equal(put(0, 15), 0); /* there is room again */
}

TEST(bytes_have_a_limit_and_a_share_too) {
  UNUSED;
  rl_op *large = make(RL_OP_RUN, 1, 0);
  large->size = 1150;
  assert_int_equal(put_op(0, large), 0);
  for (int i = 0; i < 5; i++) assert_int_equal(put(0, 2 + i), 0);
  assert_int_equal(put(0, 9), RL_EBUSY);
  large = make(RL_OP_RUN, 11, 0);
  large->size = 5000; /* more than all, but the only one of its worker */
  assert_int_equal(put_op(1, large), 0);
  assert_int_equal(put(1, 12), RL_EBUSY);
  for (int i = 0; i < 4; i++) {
    large = make(RL_OP_RUN, 21, 0);
    large->size = 100;
    assert_int_equal(put_op(2, large), 0);
  }
  assert_int_equal(put(2, 29), RL_EBUSY);
}

TEST(a_worker_has_one_line_which_stays_until_it_is_empty) {
  UNUSED;
  rl_write_line *again = rl_write_queue_join(&queue, &workers[0]);
  assert_ptr_equal(again, lines[0]);
  put(0, 1);
  put(0, 2);
  rl_write_queue_leave(&queue, again);
  rl_write_queue_leave(&queue, lines[0]);
  lines[0] = NULL;
  assert_int_equal(queue.line_count, 3);
  assert_int_equal(take(0), 1);
  assert_int_equal(queue.line_count, 3);
  assert_int_equal(take(0), 2);
  assert_int_equal(queue.line_count, 2);
}

TEST(the_writer_is_woken_once_until_it_has_found_nothing) {
  UNUSED;
  put(0, 1);
  assert_true(wakes);
  put(1, 11);
  assert_false(wakes);
  take(0);
  take(0);
  put(0, 2);
  assert_false(wakes);
  assert_int_equal(take(0), 2);
  assert_int_equal(take(0), 0);
  put(0, 3);
  assert_true(wakes);
  assert_int_equal(take(7), 0); /* it sleeps, for this one waits for a transaction … */
  put_inside(1, RL_OP_COMMIT, 12, 7);
  assert_true(wakes); /* … and is woken by what belongs to that */
}

static bool is_even(const rl_op *op, const void *ud) {
  (void)ud;
  return op->at % 2 == 0;
}

TEST(those_whose_time_is_up_are_taken_out_wherever_they_stand) {
  UNUSED;
  for (int i = 1; i <= 4; i++) put(0, i);
  put_inside(1, RL_OP_BEGIN, 12, 8);
  put_inside(1, RL_OP_RUN, 14, 6);
  rl_mail_queue out = rl_write_queue_remove(&queue, is_even, NULL);
  static const int expected[] = {2, 4, 12, 0}, rest[] = {1, 14, 3, 0};
  for (int i = 0; i < 4; i++) assert_int_equal(number_of((rl_op *)rl_mail_shift(&out)), expected[i]);
  for (int i = 0; i < 4; i++) assert_int_equal(take(0), rest[i]);
}

TEST(those_that_nobody_waits_for_are_not_counted) {
  UNUSED;
  rl_op *dropped = make(RL_OP_RUN, 1, 0);
  put_op(0, dropped);
  put(1, 11);
  put_inside(1, RL_OP_RUN, 12, 7);
  assert_int_equal(rl_write_queue_count_waiting(&queue), 2);
  atomic_store(&dropped->state, RL_OP_DROPPED);
  assert_int_equal(rl_write_queue_count_waiting(&queue), 1);
}

TEST(without_memory_there_is_no_line) {
  UNUSED;
  rl_loop other;
  rl_alloc_fail_at(1, false);
  assert_null(rl_write_queue_join(&queue, &other));
  rl_alloc_fail_at(0, false);
  assert_int_equal(queue.line_count, WORKERS);
}

/* ---- two workers and a writer that is held ----------------------------------------------------------------------------------- */

typedef struct worker {
  rl_loop loop;
  rl_database *handle;
  int sent, ended, busy;
} worker;

static atomic_int in_sync, may_sync;
static worker flooding, other;

static void hold_sync(lossy_kind kind) {
  if (kind != LOSSY_LOG) return;
  atomic_store(&in_sync, 1);
  while (!atomic_load(&may_sync)) uv_sleep(1);
}

static void open_worker(test_store *s, worker *w) {
  *w = (worker){0};
  assert_int_equal(rl_loop_init(&w->loop), 0);
  w->handle = rl_sqlite_open(&w->loop, s->path, &s->options, &s->error);
  assert_non_null(w->handle);
}

static void close_worker(worker *w) {
  if (w->handle) w->handle->ops->close(w->handle);
  rl_loop_settle(&w->loop);
  assert_int_equal(w->ended, w->sent);
  assert_int_equal(rl_loop_free(&w->loop), 0);
}

static int store_setup_held(void **state) {
  lossy_disk_reset();
  if (store_setup(state)) return -1;
  test_store *s = *state;
  store_close(s);
  s->options.queue = 10000;
  if (store_open(s)) return -1;
  open_worker(s, &flooding);
  open_worker(s, &other);
  atomic_store(&in_sync, 0);
  atomic_store(&may_sync, 0);
  lossy_disk_hook(hold_sync);
  store_submit(s, "INSERT INTO t VALUES (-1)"); /* is committed from now on, until it is let go */
  while (!atomic_load(&in_sync)) uv_sleep(1);
  return 0;
}

static void let_go(void) {
  atomic_store(&may_sync, 1);
  lossy_disk_hook(NULL);
}

static void on_done(rl_op *op) {
  worker *w = op->owner;
  w->ended++;
  if (op->error.code) {
    assert_int_equal(op->error.code, RL_EBUSY);
    w->busy++;
  }
  rl_op_del(op);
}

static void submit(worker *w, const char *sql) {
  rl_op *op = rl_op_new(RL_OP_RUN, 1);
  assert_non_null(op);
  assert_int_equal(rl_op_add(op, RL_SLICE(""), rl_slice_str(sql), NULL), 0);
  op->owner = w;
  op->done = on_done;
  w->sent++;
  rl_database_submit(w->handle, op, false);
}

#define ROW "INSERT INTO t VALUES (NULL)"

static void flood(int count) {
  for (int i = 0; i < count; i++) submit(&flooding, ROW);
}

static void wait_for(worker *w) {
  while (w->ended < w->sent) uv_run(&w->loop.uv, UV_RUN_ONCE);
}

/* The second worker's write notes how many were made before it. */
TEST(a_flood_of_one_worker_delays_another_by_no_more_than_one_group) {
  test_store *s = *state_;
  flood(10000);
  submit(&other, "INSERT INTO t SELECT 1000000 + count(*) FROM t");
  let_go();
  wait_for(&other);
  wait_for(&flooding);
  assert_int_equal(other.busy + flooding.busy, 0);
  assert_true(store_number(s, "SELECT max(a) FROM t") <= 1000000 + 1 + (int)RL_LIMIT_BATCH);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 10002);
  close_worker(&other);
  close_worker(&flooding);
}

TEST(who_floods_is_told_that_it_is_busy_and_nobody_else_is) {
  test_store *s = *state_;
  enum { MORE = 500, SHARE = 10000 / 3 };
  flood(10000 + MORE);
  for (int i = 0; i < SHARE; i++) submit(&other, ROW);
  let_go();
  wait_for(&other);
  wait_for(&flooding);
  assert_int_equal(other.busy, 0);
  assert_int_equal(flooding.busy, MORE);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 1 + 10000 + SHARE); /* what was acknowledged, once */
  close_worker(&other);
  close_worker(&flooding);
}

TEST(what_two_workers_have_queued_when_they_close_is_written) {
  test_store *s = *state_;
  flood(3000);
  for (int i = 0; i < 300; i++) submit(&other, ROW);
  flooding.handle->ops->close(flooding.handle);
  other.handle->ops->close(other.handle);
  flooding.handle = other.handle = NULL;
  let_go();
  store_settle(s);
  store_close(s); /* the last one waits for all */
  close_worker(&other);
  close_worker(&flooding);
  assert_int_equal(other.busy + flooding.busy, 0);
  assert_int_equal(store_open(s), 0);
  assert_int_equal(store_number(s, "SELECT count(*) FROM t"), 3301);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
#define HELD(name) cmocka_unit_test_setup_teardown(name, store_setup_held, store_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(lines_are_served_in_turn_and_each_in_order),
      CASE(a_line_that_was_passed_over_is_next),
      CASE(an_open_transaction_goes_first_and_everybody_else_waits),
      CASE(a_rollback_that_comes_before_its_begin_was_taken_comes_after_it),
      CASE(what_is_inside_a_transaction_that_has_ended_is_taken_in_its_turn),
      CASE(one_that_is_alone_fills_the_queue_and_the_others_have_their_share),
      CASE(bytes_have_a_limit_and_a_share_too),
      CASE(a_worker_has_one_line_which_stays_until_it_is_empty),
      CASE(the_writer_is_woken_once_until_it_has_found_nothing),
      CASE(those_whose_time_is_up_are_taken_out_wherever_they_stand),
      CASE(those_that_nobody_waits_for_are_not_counted),
      CASE(without_memory_there_is_no_line),
      HELD(a_flood_of_one_worker_delays_another_by_no_more_than_one_group),
      HELD(who_floods_is_told_that_it_is_busy_and_nobody_else_is),
      HELD(what_two_workers_have_queued_when_they_close_is_written),
  };
  lossy_disk_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
