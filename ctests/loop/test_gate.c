#include "loop/gate.h"

#include <stdatomic.h>

#include "base/error.h"
#include "support/test.h"

enum { MANY = 12 };

typedef struct work {
  rl_gated gated;
  int done; /* 1: ran, -1: not */
  int order;
} work;

static rl_loop loop;
static rl_gate gate;
static atomic_int running, most_running;
static atomic_int ended;
static work *cancels; /* what the next done cancels */
static uv_sem_t hold;
static bool held;
static work *steps; /* if set, each of these waits for a semaphore of its own */
static uv_sem_t go[10];

static void run(rl_gated *gated) {
  work *w = RL_CONTAINER(gated, work, gated);
  int now = ++running;
  int most = most_running;
  while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now)) {
  }
  if (steps) uv_sem_wait(&go[w - steps]);
  else if (held) uv_sem_wait(&hold);
  else uv_sleep(2);
  running--;
}

static void done(rl_gated *gated, bool ran) {
  work *w = RL_CONTAINER(gated, work, gated);
  w->done = ran ? 1 : -1;
  w->order = ++ended;
  if (cancels && cancels != w) {
    assert_int_equal(cancels->gated.state, RL_GATED_CALLED);
    rl_gate_cancel(&cancels->gated);
    cancels = NULL;
  }
}

static int enter(work *w) {
  *w = (work){.gated = {.run = run, .done = done}};
  return rl_gate_enter(&gate, &loop, &w->gated);
}

static void run_until(int count) {
  while (ended < count) uv_run(&loop.uv, UV_RUN_ONCE);
}

static int setup(void **state) {
  (void)state;
  ended = 0;
  running = most_running = 0;
  held = false;
  steps = NULL;
  uv_sem_init(&hold, 0);
  rl_gate_init(&gate, 2, 8);
  return rl_loop_init(&loop);
}

static int teardown(void **state) {
  (void)state;
  uv_sem_destroy(&hold);
  assert_int_equal(gate.running, 0);
  assert_int_equal(gate.waiting_count, 0);
  uv_mutex_destroy(&gate.lock);
  return rl_loop_free(&loop);
}

/* Lets one end after the other: the next one that waits must have its place by then. */
TEST(runs_as_many_at_once_as_it_may_and_the_others_in_order) {
  UNUSED;
  work works[10];
  steps = works;
  for (int i = 0; i < 10; i++) assert_int_equal(uv_sem_init(&go[i], 0), 0);
  for (int i = 0; i < 10; i++) assert_int_equal(enter(&works[i]), 0);
  while (running < 2) uv_sleep(1); /* both wait for their semaphores */
  for (int i = 0; i < 10; i++) {
    uv_sem_post(&go[i]);
    run_until(i + 1);
    assert_int_equal(works[i].done, 1);
    assert_int_equal(works[i].order, i + 1);
  }
  assert_int_equal(most_running, 2);
  for (int i = 0; i < 10; i++) uv_sem_destroy(&go[i]);
}

TEST(refuses_what_finds_the_queue_full) {
  UNUSED;
  work works[11];
  for (int i = 0; i < 10; i++) assert_int_equal(enter(&works[i]), 0);
  assert_int_equal(enter(&works[10]), RL_EBUSY);
  run_until(10);
  assert_int_equal(works[10].done, 0);
  assert_int_equal(enter(&works[10]), 0);
  run_until(11);
}

TEST(one_that_leaves_the_queue_never_runs_and_hears_of_it) {
  UNUSED;
  work works[5];
  held = true;
  for (int i = 0; i < 5; i++) enter(&works[i]);
  rl_gate_cancel(&works[3].gated);
  rl_gate_cancel(&works[3].gated);
  assert_int_equal(works[3].done, 0); /* later, on the loop */
  run_until(1);
  assert_int_equal(works[3].done, -1);
  for (int i = 0; i < 4; i++) uv_sem_post(&hold);
  run_until(5);
  assert_int_equal(works[4].done, 1);
}

TEST(one_that_runs_is_let_finish) {
  UNUSED;
  work w;
  held = true;
  enter(&w);
  while (!running) uv_sleep(1);
  rl_gate_cancel(&w.gated);
  uv_sem_post(&hold);
  run_until(1);
  assert_int_equal(w.done, 1);
}

/* Cancelled between the call to the gate and its arrival on the loop: the place goes on to the next. */
TEST(one_that_was_called_and_is_cancelled_gives_its_place_on) {
  UNUSED;
  work works[4];
  held = true;
  for (int i = 0; i < 4; i++) enter(&works[i]);
  cancels = &works[2]; /* when the first ends, it calls the third: the mail is under way */
  for (int i = 0; i < 3; i++) uv_sem_post(&hold);
  run_until(4);
  assert_int_equal(works[2].done, -1);
  assert_int_equal(works[3].done, 1);
}

static void other_loop(void *arg) {
  rl_loop *own = arg;
  while (own->held) uv_run(&own->uv, UV_RUN_ONCE);
}

TEST(a_place_goes_from_one_loop_to_another) {
  UNUSED;
  rl_loop other;
  uv_thread_t thread;
  work here[2], there = {.gated = {.run = run, .done = done}};
  held = true;
  assert_int_equal(rl_loop_init(&other), 0);
  enter(&here[0]);
  enter(&here[1]);
  assert_int_equal(rl_gate_enter(&gate, &other, &there.gated), 0);
  uv_thread_create(&thread, other_loop, &other);
  for (int i = 0; i < 3; i++) uv_sem_post(&hold);
  while (loop.held) uv_run(&loop.uv, UV_RUN_ONCE);
  uv_thread_join(&thread);
  assert_int_equal(there.done, 1);
  assert_int_equal(rl_loop_free(&other), 0);
}

TEST(a_loop_that_is_freed_waits_for_its_jobs) {
  UNUSED;
  work works[MANY];
  for (int i = 0; i < 6; i++) enter(&works[i]);
  while (loop.held) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_int_equal(ended, 6);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(runs_as_many_at_once_as_it_may_and_the_others_in_order),
      EACH(refuses_what_finds_the_queue_full),
      EACH(one_that_leaves_the_queue_never_runs_and_hears_of_it),
      EACH(one_that_runs_is_let_finish),
      EACH(one_that_was_called_and_is_cancelled_gives_its_place_on),
      EACH(a_place_goes_from_one_loop_to_another),
      EACH(a_loop_that_is_freed_waits_for_its_jobs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
