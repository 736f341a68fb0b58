#include "loop/job.h"

#include "support/test.h"

enum { JOBS = 200 };

typedef struct sum {
  rl_job job;
  int input, output;
  int ended; /* how many times done was called */
  bool ran;
  unsigned long thread;
} sum;

static rl_loop loop;
static int ended;

static void run(rl_job *job) {
  sum *s = RL_CONTAINER(job, sum, job);
  for (int i = 1; i <= s->input; i++) s->output += i;
  s->thread = (unsigned long)uv_thread_self();
}

static void done(rl_job *job, bool ran) {
  sum *s = RL_CONTAINER(job, sum, job);
  s->ran = ran;
  s->ended++;
  ended++;
}

static void start(sum *s, int input) {
  *s = (sum){.job = {.run = run, .done = done}, .input = input};
  rl_job_start(&loop, &s->job);
}

static int setup(void **state) {
  (void)state;
  ended = 0;
  return rl_loop_init(&loop);
}

static int teardown(void **state) {
  (void)state;
  return rl_loop_free(&loop);
}

TEST(each_job_runs_on_another_thread_and_ends_once_on_the_loop) {
  UNUSED;
  static sum sums[JOBS];
  for (int i = 0; i < JOBS; i++) start(&sums[i], i);
  assert_int_equal(ended, 0);
  rl_loop_settle(&loop);
  for (int i = 0; i < JOBS; i++) {
    assert_int_equal(sums[i].output, i * (i + 1) / 2);
    assert_int_equal(sums[i].ended, 1);
    assert_true(sums[i].ran);
    assert_true(sums[i].thread != (unsigned long)uv_thread_self());
  }
}

static uv_sem_t hold;
static void run_held(rl_job *job) {
  (void)job;
  uv_sem_wait(&hold);
}

/* The pool is full of jobs that wait, so the last one cannot have begun. */
TEST(one_that_is_cancelled_before_it_began_does_not_run_but_ends) {
  UNUSED;
  enum { BUSY = 128 }; /* more threads than the pool can have: libuv has 4 unless it is told otherwise */
  static sum busy[BUSY];
  sum last;
  uv_sem_init(&hold, 0);
  for (int i = 0; i < BUSY; i++) {
    busy[i] = (sum){.job = {.run = run_held, .done = done}};
    rl_job_start(&loop, &busy[i].job);
  }
  start(&last, 10);
  rl_job_cancel(&last.job);
  while (!last.ended) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_false(last.ran);
  assert_int_equal(last.output, 0);
  for (int i = 0; i < BUSY; i++) uv_sem_post(&hold);
  rl_loop_settle(&loop);
  assert_int_equal(ended, BUSY + 1);
  assert_int_equal(last.ended, 1);
  uv_sem_destroy(&hold);
}

TEST(virtual_time_waits_for_a_job) {
  UNUSED;
  sum s;
  rl_loop_clock_freeze(&loop);
  start(&s, 5);
  assert_false(rl_loop_is_quiet(&loop));
  loop.quiet = 5; /* as after five turns in which nothing ran */
  assert_false(rl_loop_is_quiet(&loop));
  rl_loop_settle(&loop);
  assert_int_equal(s.ended, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(each_job_runs_on_another_thread_and_ends_once_on_the_loop),
      CASE(one_that_is_cancelled_before_it_began_does_not_run_but_ends),
      CASE(virtual_time_waits_for_a_job),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
