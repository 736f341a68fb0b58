#include "server/limit.h"

#include <uv.h>

#include "base/alloc.h"
#include "crypto/digest.h"
#include "support/test.h"

static rl_limit_table *table;
static const rl_limit limit = {.name = {"test", 4}, .rate = 2, .burst = 3};

static int setup(void **state) {
  (void)state;
  table = rl_limit_table_new(100);
  return table == NULL;
}

static int teardown(void **state) {
  (void)state;
  rl_limit_table_del(table);
  return 0;
}

static uint64_t take(const char *key, uint64_t now_ms) {
  return rl_limit_take(table, &limit, rl_slice_str(key), now_ms);
}

TEST(a_burst_passes_then_so_many_a_second) {
  UNUSED;
  for (int i = 0; i < 3; i++) assert_int_equal(take("a", 1000), 0);
  assert_int_equal(take("a", 1000), 500);
  assert_int_equal(take("a", 1400), 100);
  assert_int_equal(take("a", 1500), 0);
  assert_int_equal(take("a", 1500), 500);
  for (int i = 0; i < 3; i++) assert_int_equal(take("a", 100000), 0); /* no more than the burst gathers */
  assert_int_equal(take("a", 100000), 500);
}

TEST(keys_and_names_are_counted_by_themselves) {
  UNUSED;
  rl_limit other = limit;
  other.name = RL_SLICE("other");
  for (int i = 0; i < 3; i++) take("a", 1000);
  assert_int_equal(take("b", 1000), 0);
  assert_int_equal(rl_limit_take(table, &other, RL_SLICE("a"), 1000), 0);
  assert_int_equal(take("a", 1000), 500);
}

TEST(a_clock_that_goes_back_gains_nothing_and_breaks_nothing) {
  UNUSED;
  for (int i = 0; i < 3; i++) take("a", 100000);
  assert_int_equal(take("a", 1000), 500);
  assert_int_equal(take("a", 1500), 0);
}

TEST(a_key_too_many_forgets_the_least_recently_used) {
  UNUSED;
  char key[16];
  for (int i = 0; i < 4; i++) take("first", 1000), take("second", 1000);
  for (int i = 0; i < 98; i++) {
    snprintf(key, sizeof key, "%d", i);
    take(key, 1000);
  }
  assert_int_equal(take("first", 1000), 500); /* used just now */
  take("one more", 1000);
  assert_int_equal(take("second", 1000), 0); /* forgotten, so full again */
  assert_int_equal(take("first", 1000), 500);
}

TEST(memory_that_is_short_limits_nobody) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  for (int i = 0; i < 10; i++) assert_int_equal(take("a", 1000), 0);
  rl_alloc_fail_at(0, false);
}

static void hammer(void *passed) {
  for (int i = 0; i < 1000; i++)
    if (take("shared", 1000) == 0) ++*(int *)passed;
}

TEST(threads_share_one_count) {
  UNUSED;
  uv_thread_t threads[4];
  int passed[4] = {0};
  for (int i = 0; i < 4; i++) uv_thread_create(&threads[i], hammer, &passed[i]);
  for (int i = 0; i < 4; i++) uv_thread_join(&threads[i]);
  assert_int_equal(passed[0] + passed[1] + passed[2] + passed[3], 3);
}

int main(void) {
  if (!rl_crypto_init()) return 1;
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(a_burst_passes_then_so_many_a_second),
      EACH(keys_and_names_are_counted_by_themselves),
      EACH(a_clock_that_goes_back_gains_nothing_and_breaks_nothing),
      EACH(a_key_too_many_forgets_the_least_recently_used),
      EACH(memory_that_is_short_limits_nobody),
      EACH(threads_share_one_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
