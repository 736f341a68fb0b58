#include "base/limits.h"

#include <math.h>

#include "base/error.h"
#include "support/test.h"

TEST(defaults_are_those_of_the_table) {
  UNUSED;
  assert_int_equal(rl_limits_default.request_line, RL_LIMIT_REQUEST_LINE);
  assert_int_equal(rl_limits_default.keep_alive_ms, RL_LIMIT_KEEP_ALIVE_MS);
  assert_int_equal(rl_limits_default.pipelined, RL_LIMIT_PIPELINED);
}

TEST(each_default_is_within_its_range) {
  UNUSED;
  unsigned count = 0;
  for (const char *name; (name = rl_limits_name(count)); count++) {
    double least, most;
    rl_limits limits = rl_limits_default;
    assert_int_equal(rl_limits_range(name, &least, &most), 0);
    assert_int_equal(rl_limits_set(&limits, name, least), 0);
    assert_int_equal(rl_limits_set(&limits, name, most), 0);
    assert_int_equal(rl_limits_set(&limits, name, most * 1.1), RL_ERANGE);
    assert_int_equal(rl_limits_set(&limits, name, least - 1), RL_ERANGE);
    assert_int_equal(rl_limits_set(&limits, name, NAN), RL_ERANGE);
  }
#define X(...) +1
  assert_int_equal(count, 0 RL_LIMITS_MAP(X));
#undef X
}

TEST(one_is_set_and_its_neighbours_stay) {
  UNUSED;
  rl_limits limits = rl_limits_default, expected = rl_limits_default;
  assert_int_equal(rl_limits_set(&limits, "header_timeout", 0.25), 0);
  assert_int_equal(rl_limits_set(&limits, "headers", 7), 0);
  expected.head_ms = 250;
  expected.fields = 7;
  assert_memory_equal(&limits, &expected, sizeof limits);
}

TEST(an_unknown_name_is_told) {
  UNUSED;
  rl_limits limits = rl_limits_default;
  double least, most;
  assert_int_equal(rl_limits_set(&limits, "nothing", 1), RL_ENOTFOUND);
  assert_int_equal(rl_limits_range("nothing", &least, &most), RL_ENOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(defaults_are_those_of_the_table), RUN(each_default_is_within_its_range),
                                     RUN(one_is_set_and_its_neighbours_stay), RUN(an_unknown_name_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
