#include "base/scan.h"

#include "base/alloc.h"
#include "support/test.h"

static rl_slice trimmed(const char *text, const char *bytes, int ends) {
  rl_byte_set set = rl_byte_set_of(rl_slice_str(bytes));
  return rl_scan_trim(rl_slice_str(text), &set, ends);
}

TEST(trims_at_the_ends_it_is_told) {
  UNUSED;
  assert_slice(trimmed("//a//b//", "/", RL_SCAN_LEFT | RL_SCAN_RIGHT), "a//b");
  assert_slice(trimmed("//a//", "/", RL_SCAN_LEFT), "a//");
  assert_slice(trimmed("//a//", "/", RL_SCAN_RIGHT), "//a");
  assert_slice(trimmed("////", "/", RL_SCAN_LEFT | RL_SCAN_RIGHT), "");
  assert_slice(trimmed("", "/", RL_SCAN_RIGHT), "");
  assert_slice(trimmed(" \t\n\v\f\r x \r", " \t\n\v\f\r", RL_SCAN_LEFT | RL_SCAN_RIGHT), "x");
  assert_slice(trimmed("\x80x\x80", "\x80", RL_SCAN_LEFT), "x\x80");
}

TEST(finds_the_first_place) {
  UNUSED;
  assert_int_equal(rl_scan_find(RL_SLICE("abcabc"), RL_SLICE("bc"), 0), 1);
  assert_int_equal(rl_scan_find(RL_SLICE("abcabc"), RL_SLICE("bc"), 2), 4);
  assert_int_equal(rl_scan_find(RL_SLICE("abcabc"), RL_SLICE("bc"), 5), RL_SCAN_NOWHERE);
  assert_int_equal(rl_scan_find(RL_SLICE("abc"), RL_SLICE(""), 3), 3);
  assert_int_equal(rl_scan_find(RL_SLICE("a\0b"), RL_SLICE("\0b"), 0), 1);
  assert_int_equal(rl_scan_find(RL_SLICE(""), RL_SLICE("a"), 0), RL_SCAN_NOWHERE);
}

TEST(finds_the_last_place) {
  UNUSED;
  assert_int_equal(rl_scan_find_last(RL_SLICE("abcabc"), RL_SLICE("bc"), 6), 4);
  assert_int_equal(rl_scan_find_last(RL_SLICE("abcabc"), RL_SLICE("bc"), 5), 1);
  assert_int_equal(rl_scan_find_last(RL_SLICE("abcabc"), RL_SLICE("bc"), 2), RL_SCAN_NOWHERE);
  assert_int_equal(rl_scan_find_last(RL_SLICE("abc"), RL_SLICE(""), 2), 2);
  assert_int_equal(rl_scan_find_last(RL_SLICE(""), RL_SLICE("a"), 0), RL_SCAN_NOWHERE);
  assert_int_equal(rl_scan_find_last(RL_SLICE("aaaa"), RL_SLICE("aa"), 4), 2);
}

TEST(finds_a_long_part_from_the_right_as_a_short_one) {
  UNUSED;
  const rl_slice part = RL_SLICE("0123456789012345678"), s = RL_SLICE("x0123456789012345678y0123456789012345678z");
  assert_int_equal(rl_scan_find_last(s, part, s.len), 21);
  assert_int_equal(rl_scan_find_last(s, part, s.len - 2), 1);
  assert_int_equal(rl_scan_find_last(s, part, 19), RL_SCAN_NOWHERE);
  rl_alloc_fail_at(1, false);
  assert_int_equal(rl_scan_find_last(s, part, s.len), RL_SCAN_NOMEM);
  rl_alloc_fail_at(0, false);
}

TEST(knows_numbers_as_people_write_them) {
  UNUSED;
  const char *const integers[] = {"0", "007", "+1", "-1", " 12\t", "99999999999999999999"};
  const char *const reals[] = {"1.", ".5", "-.5", "1.25", "1e5", "1E+5", " +1.5e-5 ", "1.e1"};
  const char *const none[] = {"",
                              " ",
                              "+",
                              ".",
                              "-.",
                              "1e",
                              "e1",
                              "1e+",
                              "0x10",
                              "1 2",
                              "1x",
                              "x1",
                              "1..",
                              "1.1.",
                              "inf",
                              "nan",
                              "--1",
                              "+-1",
                              "1_0",
                              "1,5",
                              ".e1",
                              "1e1.5",
                              "\xC2\xA0"
                              "1"};
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
    assert_int_equal(rl_scan_number(rl_slice_str(integers[i])), RL_NUMBER_INTEGER);
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
    assert_int_equal(rl_scan_number(rl_slice_str(reals[i])), RL_NUMBER_REAL);
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_int_equal(rl_scan_number(rl_slice_str(none[i])), RL_NUMBER_NONE);
  assert_int_equal(rl_scan_number(RL_SLICE("1\0")), RL_NUMBER_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(trims_at_the_ends_it_is_told), RUN(finds_the_first_place),
                                     RUN(finds_the_last_place), RUN(finds_a_long_part_from_the_right_as_a_short_one),
                                     RUN(knows_numbers_as_people_write_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
