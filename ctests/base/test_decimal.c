#include "base/decimal.h"

#include <math.h>
#include <stdlib.h>

#include "support/test.h"

static void assert_written(double number, const char *text) {
  char out[RL_DECIMAL_MAX];
  size_t len = rl_decimal_write(number, out);
  assert_slice(rl_slice_of(out, len), text);
}

TEST(the_shortest_digits_with_a_point_or_an_exponent) {
  UNUSED;
  assert_written(0.0, "0.0");
  assert_written(-0.0, "-0.0");
  assert_written(1, "1.0");
  assert_written(-100000, "-100000.0");
  assert_written(0.1, "0.1");
  assert_written(0.1 + 0.2, "0.30000000000000004");
  assert_written(1.0 / 3, "0.3333333333333333");
  assert_written(0.00001, "0.00001");
  assert_written(1e-6, "1e-06");
  assert_written(1e15, "1e+15");
  assert_written(999999999999999, "999999999999999.0");
  assert_written(9007199254740992.0, "9.007199254740992e+15"); /* as many bytes as without an exponent, but a float */
  assert_written(-2116178168839186400.0, "-2.1161781688391864e+18");
  assert_written(5e-324, "5e-324");
  assert_written(1.7976931348623157e308, "1.7976931348623157e+308");
}

TEST(what_is_written_reads_back_as_the_same_double) {
  UNUSED;
  uint64_t state = 1;
  for (int i = 0; i < 200000; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double number;
    memcpy(&number, &state, sizeof number);
    if (!isfinite(number)) continue;
    char out[RL_DECIMAL_MAX + 1];
    size_t len = rl_decimal_write(number, out);
    double again = rl_decimal_read(out, len);
    assert_memory_equal(&again, &number, sizeof number);
    out[len] = 0;
    assert_true(strtod(out, NULL) == number);
  }
}

static double of(const char *text) { return rl_decimal_read(text, strlen(text)); }

TEST(too_small_is_zero_and_too_large_is_infinite) {
  UNUSED;
  assert_true(of("1e-400") == 0);
  assert_true(of("-1E-400") == 0);
  assert_true(of("1e400") == HUGE_VAL);
  assert_true(isinf(of("123456789e400")));
  char zeros[512] = "0.";
  memset(zeros + 2, '0', 400);
  strcpy(zeros + 402, "1");
  assert_true(of(zeros) == 0);
  char digits[512];
  memset(digits, '9', 400);
  digits[400] = 0;
  assert_true(isinf(of(digits)));
}

TEST(reads_no_further_than_it_is_told) {
  UNUSED;
  assert_true(rl_decimal_read("1.25e3", 4) == 1.25);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_shortest_digits_with_a_point_or_an_exponent), RUN(what_is_written_reads_back_as_the_same_double),
      RUN(too_small_is_zero_and_too_large_is_infinite), RUN(reads_no_further_than_it_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
