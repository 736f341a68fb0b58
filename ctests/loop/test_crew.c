#include "loop/crew.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "support/test.h"

enum { THREADS = 2, QUEUE = 3 };

typedef struct work {
  rl_errand errand;
  int done, order;
} work;

static rl_loop loop;
static rl_crew crew;
static atomic_int running, most_running, dropped;
static int ended;
static uv_sem_t hold; /* the running errand waits for it */
static bool held;

static void run(rl_errand *errand) {
  (void)errand;
  int now = ++running, most = most_running;
  while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now)) {
  }
  if (held) uv_sem_wait(&hold);
  running--;
}

static void done(rl_errand *errand) {
  work *w = RL_CONTAINER(errand, work, errand);
  w->done++;
  w->order = ++ended;
}

static void drop(rl_errand *errand) {
  (void)errand;
  dropped++;
}

static int enter(work *w, bool may_wait) {
  *w = (work){.errand = {.run = run, .done = done, .drop = drop}};
  return rl_crew_send(&crew, &loop, &w->errand, may_wait);
}

static void run_until(int count) {
  while (ended < count) uv_run(&loop.uv, UV_RUN_ONCE);
}

static void wait_for(const atomic_int *number, int value) {
  while (*number != value) uv_sleep(1);
}

static int open_crew(void **state) {
  (void)state;
  int code = rl_crew_init(&crew, "test-crew", 1, QUEUE);
  crew.most = THREADS;
  return code;
}

static int setup(void **state) {
  (void)state;
  ended = 0;
  running = most_running = dropped = 0;
  held = false;
  uv_sem_init(&hold, 0);
  return rl_loop_init(&loop);
}

static int teardown(void **state) {
  (void)state;
  assert_true(rl_crews_rest(60000));
  uv_sem_destroy(&hold);
  return rl_loop_free(&loop);
}

static void let_go(int count) {
  for (int i = 0; i < count; i++) uv_sem_post(&hold);
}

TEST(runs_as_many_at_once_as_there_are_threads_and_the_others_in_order) {
  UNUSED;
  work works[THREADS + QUEUE];
  held = true;
  for (int i = 0; i < THREADS + QUEUE; i++) assert_int_equal(enter(&works[i], true), 0);
  wait_for(&running, THREADS);
  let_go(THREADS + QUEUE);
  run_until(THREADS + QUEUE);
  assert_int_equal(most_running, THREADS);
  for (int i = 0; i < THREADS + QUEUE; i++) assert_int_equal(works[i].done, 1);
  assert_int_equal(loop.held, 0);
}

TEST(refuses_what_finds_the_queue_full) {
  UNUSED;
  work works[THREADS + QUEUE + 2];
  held = true;
  for (int i = 0; i < THREADS + QUEUE; i++) assert_int_equal(enter(&works[i], true), 0);
  assert_int_equal(enter(&works[THREADS + QUEUE], true), RL_EBUSY);
  let_go(THREADS + QUEUE);
  run_until(THREADS + QUEUE);
  held = false;
  assert_int_equal(enter(&works[THREADS + QUEUE + 1], true), 0);
  run_until(THREADS + QUEUE + 1);
}

TEST(refuses_what_may_not_wait_while_no_thread_is_free) {
  UNUSED;
  work works[THREADS + 1];
  held = true;
  for (int i = 0; i < THREADS; i++) assert_int_equal(enter(&works[i], false), 0);
  assert_int_equal(enter(&works[THREADS], false), RL_EBUSY);
  let_go(THREADS);
  run_until(THREADS);
}

TEST(drops_at_once_what_is_abandoned_before_it_began) {
  UNUSED;
  work works[THREADS + 1];
  held = true;
  for (int i = 0; i < THREADS + 1; i++) assert_int_equal(enter(&works[i], true), 0);
  wait_for(&running, THREADS);
  rl_errand_abandon(&works[THREADS].errand);
  assert_int_equal(dropped, 1);
  let_go(THREADS);
  run_until(THREADS);
  assert_int_equal(works[THREADS].done, 0);
}

/* The loop may end while it runs. */
TEST(holds_nobody_up_once_it_is_abandoned) {
  UNUSED;
  work w;
  held = true;
  assert_int_equal(enter(&w, true), 0);
  wait_for(&running, 1);
  assert_false(rl_errand_is_abandoned(&w.errand));
  rl_errand_abandon(&w.errand);
  assert_true(rl_errand_is_abandoned(&w.errand));
  assert_int_equal(loop.held, 0);
  assert_int_equal(rl_loop_free(&loop), 0);
  assert_false(rl_crews_rest(0));
  let_go(1);
  assert_true(rl_crews_rest(60000));
  assert_int_equal(dropped, 1);
  assert_int_equal(w.done, 0);
  assert_int_equal(rl_loop_init(&loop), 0);
}

/* Its mail is under way already. */
TEST(drops_on_the_loop_what_is_abandoned_after_it_ran) {
  UNUSED;
  work w;
  assert_int_equal(enter(&w, true), 0);
  assert_true(rl_crews_rest(60000));
  rl_errand_abandon(&w.errand);
  assert_int_equal(dropped, 0);
  assert_int_equal(loop.held, 1);
  while (!dropped) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(w.done, 0);
  assert_int_equal(loop.held, 0);
}

TEST(a_loop_settles_within_its_time_or_says_that_it_has_not) {
  UNUSED;
  work w;
  held = true;
  assert_int_equal(enter(&w, true), 0);
  wait_for(&running, 1);
  assert_false(rl_loop_settle_within(&loop, 1));
  let_go(1);
  assert_true(rl_loop_settle_within(&loop, 60000));
  assert_int_equal(w.done, 1);
}

/* Each in turn is abandoned at whatever moment it is in. */
TEST(every_errand_ends_once_whenever_it_is_abandoned) {
  UNUSED;
  enum { ROUNDS = 300 };
  work *works = calloc(ROUNDS, sizeof *works);
  int abandoned = 0;
  assert_non_null(works);
  for (int i = 0; i < ROUNDS; i++) {
    while (enter(&works[i], true)) uv_run(&loop.uv, UV_RUN_ONCE);
    if (i % 3 == 0) uv_run(&loop.uv, UV_RUN_NOWAIT);
    if (i % 2 == 0 && !works[i].done) rl_errand_abandon(&works[i].errand), abandoned++;
  }
  run_until(ROUNDS - abandoned);
  assert_true(rl_loop_settle_within(&loop, 60000));
  assert_true(rl_crews_rest(60000));
  assert_int_equal(dropped, abandoned);
  free(works);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(runs_as_many_at_once_as_there_are_threads_and_the_others_in_order, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(refuses_what_finds_the_queue_full, setup, teardown),
      cmocka_unit_test_setup_teardown(refuses_what_may_not_wait_while_no_thread_is_free, setup, teardown),
      cmocka_unit_test_setup_teardown(drops_at_once_what_is_abandoned_before_it_began, setup, teardown),
      cmocka_unit_test_setup_teardown(holds_nobody_up_once_it_is_abandoned, setup, teardown),
      cmocka_unit_test_setup_teardown(drops_on_the_loop_what_is_abandoned_after_it_ran, setup, teardown),
      cmocka_unit_test_setup_teardown(a_loop_settles_within_its_time_or_says_that_it_has_not, setup, teardown),
      cmocka_unit_test_setup_teardown(every_errand_ends_once_whenever_it_is_abandoned, setup, teardown),
  };
  return cmocka_run_group_tests(tests, open_crew, NULL);
}
