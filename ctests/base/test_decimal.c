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

/* Writes it as the C library does with so many places, without the last zeros but one. */
static void fixed(double number, int places, char out[64]) {
  size_t len = (size_t)snprintf(out, 64, "%.*f", places, number);
  while (out[len - 1] == '0' && out[len - 2] != '.') len--;
  out[len] = 0;
}

TEST(short_decimals_are_written_as_they_were_read) {
  UNUSED;
  uint64_t state = 7;
  for (int i = 0; i < 200000; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    int places = 1 + (int)(state >> 62), digits = 1 + (int)(state >> 40) % 15;
    double whole = (double)((state >> 8) % (uint64_t)pow(10, digits)), number = whole / pow(10, places);
    char wanted[64];
    if (number != 0 && number < 1e-5) continue;
    fixed(i % 2 ? -number : number, places, wanted);
    assert_written(i % 2 ? -number : number, wanted);
  }
  assert_written(99999999999.9999, "99999999999.9999");
  assert_written(nextafter(0.07, 1), "0.07000000000000002");
  assert_written(0.0001, "0.0001");
}

TEST(integers_of_every_size) {
  UNUSED;
  char out[RL_DECIMAL_MAX];
  assert_slice(rl_slice_of(out, rl_decimal_write_integer(INT64_MIN, out)), "-9223372036854775808");
  assert_slice(rl_slice_of(out, rl_decimal_write_integer(INT64_MAX, out)), "9223372036854775807");
  assert_slice(rl_slice_of(out, rl_decimal_write_integer(0, out)), "0");
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
      RUN(short_decimals_are_written_as_they_were_read),    RUN(integers_of_every_size),
      RUN(too_small_is_zero_and_too_large_is_infinite),     RUN(reads_no_further_than_it_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
