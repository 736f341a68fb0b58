/* What a run of a statement may cost the loop, by clocks that the test moves. */
#define _GNU_SOURCE
#include "data/sqlite/budget.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/sqlite.h"
#include "support/test.h"

#define US UINT64_C(1000)
#define LIMIT (RL_LIMIT_SQL_INLINE_US * US)

/* ---- clocks ----------------------------------------------------------------------------------------------------------------- */

/* Of this thread; time passes when a clock is read. */
static _Thread_local bool faking;
static _Thread_local uint64_t wall_ns, cpu_ns;
static uint64_t wall_pace_ns, cpu_pace_ns;
static int looks; /* at the CPU clock */

static uint64_t fake(clockid_t id) {
  wall_ns += wall_pace_ns;
  cpu_ns += cpu_pace_ns;
  if (id == CLOCK_THREAD_CPUTIME_ID) looks++;
  uint64_t tick_ns = 4000 * US;
  if (id == CLOCK_MONOTONIC_COARSE) return wall_ns / tick_ns * tick_ns;
  return id == CLOCK_THREAD_CPUTIME_ID ? cpu_ns : wall_ns;
}

int clock_gettime(clockid_t id, struct timespec *out) {
  if (!faking) return (int)syscall(SYS_clock_gettime, id, out);
  uint64_t now = fake(id);
  *out = (struct timespec){.tv_sec = (time_t)(now / 1000000000u), .tv_nsec = (long)(now % 1000000000u)};
  return 0;
}

static void work(uint64_t us) {
  wall_ns += us * US;
  cpu_ns += us * US;
}

static void be_preempted(uint64_t us) { wall_ns += us * US; }

static void fake_clocks(uint64_t wall_pace_us, uint64_t cpu_pace_us) {
  faking = true;
  wall_pace_ns = wall_pace_us * US;
  cpu_pace_ns = cpu_pace_us * US;
  looks = 0;
}

/* ---- the clocks of a run ------------------------------------------------------------------------------------------------------ */

TEST(a_short_run_never_reads_the_cpu_clock) {
  UNUSED;
  rl_budget budget;
  fake_clocks(0, 0);
  rl_budget_start(&budget, LIMIT, false);
  for (int i = 0; i < 40; i++) {
    assert_false(rl_budget_is_spent(&budget));
    work(10);
  }
  assert_int_equal(looks, 0);
}

TEST(what_is_preempted_has_done_no_work) {
  UNUSED;
  rl_budget budget;
  fake_clocks(0, 0);
  rl_budget_start(&budget, LIMIT, false);
  for (int i = 0; i < 100; i++) {
    assert_false(rl_budget_is_spent(&budget));
    work(4);
    be_preempted(5000);
  }
  assert_int_equal(rl_budget_end(&budget), RL_COST_UNKNOWN);
  rl_budget_start(&budget, LIMIT, true);
  be_preempted(50000);
  assert_int_equal(rl_budget_end(&budget), RL_COST_WITHIN);
}

/* Counted from the first steps on, whenever it is preempted. */
TEST(work_is_ended_between_half_of_the_budget_and_all_of_it) {
  UNUSED;
  enum { PIECE_US = 10, LIMIT_US = RL_LIMIT_SQL_INLINE_US };
  for (int preempted_at = 0; preempted_at < LIMIT_US; preempted_at += 50) {
    rl_budget budget;
    int done = 0;
    fake_clocks(0, 0);
    rl_budget_start(&budget, LIMIT, false);
    for (; !rl_budget_is_spent(&budget); done += PIECE_US) {
      work(PIECE_US);
      if (done == preempted_at) be_preempted(100000);
    }
    assert_in_range(done, LIMIT_US / 2, LIMIT_US + PIECE_US);
    assert_int_equal(rl_budget_end(&budget), RL_COST_OVER);
  }
}

TEST(an_exact_run_counts_its_first_steps_too) {
  UNUSED;
  rl_budget budget;
  fake_clocks(0, 0);
  rl_budget_start(&budget, LIMIT, true);
  work(5000);
  assert_true(rl_budget_is_spent(&budget));
  assert_int_equal(rl_budget_end(&budget), RL_COST_OVER);
}

/* ---- where a statement runs --------------------------------------------------------------------------------------------------- */

#define SCAN "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT count(*) FROM n"

static rl_loop loop;
static rl_database *db;
static rl_sql_error error;
static rl_cursor cursor;

static int open_database(void **state) {
  (void)state;
  static const char path[] = "/tmp/rille-test-budget.db"; /* nothing is written */
  if (rl_loop_init(&loop)) return -1;
  db = rl_sqlite_open(&loop, path, &RL_STORE_OPTIONS_DEFAULT, &error);
  return db ? 0 : -1;
}

static int close_database(void **state) {
  (void)state;
  faking = false;
  db->ops->close(db);
  unlink("/tmp/rille-test-budget.db");
  return rl_loop_free(&loop);
}

static rl_sql_route place(const char *sql) { return db->ops->place(db, rl_slice_str(sql), true, 0, &cursor, &error); }

/* Runs a statement inline that does so much work, or rests so long, in its last step. Returns false if it was ended. */
static bool runs_to_its_end(const char *sql, uint64_t work_us, uint64_t rest_us) {
  static const rl_sql_params none = {0};
  int code;
  assert_int_equal(place(sql), RL_ROUTE_INLINE);
  assert_int_equal(db->ops->start(db, &cursor, &none, &error), 0);
  while ((code = db->ops->step(db, &cursor, &error)) == 1) continue;
  work(work_us);
  be_preempted(rest_us);
  db->ops->finish(db, &cursor, code == RL_ETIMEOUT);
  assert_true(code == 0 || code == RL_ETIMEOUT);
  return code == 0;
}

TEST(a_statement_that_is_preempted_stays_inline) {
  UNUSED;
  fake_clocks(20000, 0);
  for (int i = 0; i < 50; i++) assert_true(runs_to_its_end(SCAN, 0, 0));
  fake_clocks(0, 0);
  for (int i = 0; i < 50; i++) assert_true(runs_to_its_end("SELECT 1", 0, 20000));
}

TEST(a_scan_moves_to_the_thread_for_longer_each_time) {
  UNUSED;
  for (int penalty = 16; penalty <= 1024; penalty *= 4) {
    fake_clocks(100, 100);
    assert_false(runs_to_its_end(SCAN, 0, 0));
    for (int i = 0; i < penalty; i++) assert_int_equal(place(SCAN), RL_ROUTE_READ);
  }
}

TEST(a_scan_that_has_become_quick_comes_back) {
  UNUSED;
  fake_clocks(100, 100);
  assert_false(runs_to_its_end(SCAN, 0, 0));
  for (int i = 0; i < 16; i++) assert_int_equal(place(SCAN), RL_ROUTE_READ);
  fake_clocks(0, 0);
  for (int i = 0; i < 16; i++) assert_true(runs_to_its_end(SCAN, 0, 0));
  fake_clocks(100, 100);
  assert_false(runs_to_its_end(SCAN, 0, 0)); /* it was forgotten, and is 16 again */
  for (int i = 0; i < 16; i++) assert_int_equal(place(SCAN), RL_ROUTE_READ);
  assert_int_equal(place(SCAN), RL_ROUTE_INLINE);
  static const rl_sql_params none = {0};
  assert_int_equal(db->ops->start(db, &cursor, &none, &error), 0);
  db->ops->finish(db, &cursor, false);
}

/* count(*) of a table is one step. */
TEST(a_single_long_step_is_noticed_at_its_end) {
  UNUSED;
  fake_clocks(0, 0);
  assert_true(runs_to_its_end("SELECT 2", 5000, 0));
  assert_int_equal(place("SELECT 2"), RL_ROUTE_READ);
  assert_true(runs_to_its_end("SELECT 3", 10, 0));
  assert_true(runs_to_its_end("SELECT 3", 5000, 0)); /* or was it preempted? */
  assert_true(runs_to_its_end("SELECT 3", 5000, 0));
  assert_int_equal(place("SELECT 3"), RL_ROUTE_READ);
}

int main(void) {
#define WITH_DATABASE(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)
  const struct CMUnitTest tests[] = {
      RUN(a_short_run_never_reads_the_cpu_clock),
      RUN(what_is_preempted_has_done_no_work),
      RUN(work_is_ended_between_half_of_the_budget_and_all_of_it),
      RUN(an_exact_run_counts_its_first_steps_too),
      WITH_DATABASE(a_statement_that_is_preempted_stays_inline),
      WITH_DATABASE(a_scan_moves_to_the_thread_for_longer_each_time),
      WITH_DATABASE(a_scan_that_has_become_quick_comes_back),
      WITH_DATABASE(a_single_long_step_is_noticed_at_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
