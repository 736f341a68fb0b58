#include "base/slice.h"

#include "base/error.h"
#include "support/test.h"

TEST(compares_bytes_also_none_at_all) {
  UNUSED;
  assert_true(rl_slice_eq(RL_SLICE("a\0b"), RL_SLICE("a\0b")));
  assert_false(rl_slice_eq(RL_SLICE("a\0b"), RL_SLICE("a\0c")));
  assert_false(rl_slice_eq(RL_SLICE("a"), RL_SLICE("ab")));
  assert_true(rl_slice_eq(RL_SLICE_NONE, RL_SLICE("")));
  assert_true(rl_slice_starts(RL_SLICE("abc"), RL_SLICE("ab")));
  assert_true(rl_slice_starts(RL_SLICE("abc"), RL_SLICE_NONE));
  assert_false(rl_slice_starts(RL_SLICE("a"), RL_SLICE("ab")));
  assert_int_equal(rl_slice_str(NULL).len, 0);
}

/* RFC 9110 section 5.1: U+212A is a K to Unicode, and not to a header. */
TEST(case_is_that_of_ascii) {
  UNUSED;
  assert_true(rl_slice_eq_nocase(RL_SLICE("ChunKed-1"), RL_SLICE("cHUNkED-1")));
  assert_false(rl_slice_eq_nocase(RL_SLICE("chun\xe2\x84\xaa"
                                           "ed"),
                                  RL_SLICE("chunkxxed")));
  assert_false(rl_slice_eq_nocase(RL_SLICE("\xc4"), RL_SLICE("\xe4")));
  assert_false(rl_slice_eq_nocase(RL_SLICE("["), RL_SLICE("{")));
  assert_false(rl_slice_eq_nocase(RL_SLICE("@"), RL_SLICE("`")));
}

TEST(trims_spaces_and_tabs_alone) {
  UNUSED;
  assert_slice(rl_slice_trim(RL_SLICE(" \t a b\t ")), "a b");
  assert_slice(rl_slice_trim(RL_SLICE(" \t ")), "");
  assert_slice(rl_slice_trim(RL_SLICE("\xa0x\r")), "\xa0x\r");
}

TEST(finds_a_byte_or_the_end) {
  UNUSED;
  assert_int_equal(rl_slice_find(RL_SLICE("abcb"), 'b', 0), 1);
  assert_int_equal(rl_slice_find(RL_SLICE("abcb"), 'b', 2), 3);
  assert_int_equal(rl_slice_find(RL_SLICE("abcb"), 'x', 0), 4);
  assert_int_equal(rl_slice_find(RL_SLICE("abcb"), 'b', 9), 4);
  assert_int_equal(rl_slice_find(RL_SLICE_NONE, 'b', 0), 0);
}

static void assert_elements(const char *list, const char *joined) {
  char text[100] = "";
  rl_slice rest = rl_slice_str(list), element;
  while (rl_slice_next_element(&rest, &element))
    snprintf(text + strlen(text), sizeof text - strlen(text), "[%.*s]", RL_FMT(element));
  assert_string_equal(text, joined);
}

TEST(cuts_lists_as_rfc_9110_has_them) {
  UNUSED;
  assert_elements("a, b\t,c", "[a][b][c]");
  assert_elements(",, a ,\t,b,", "[a][b]");
  assert_elements("", "");
  assert_elements(" , ", "");
  assert_elements("\"a,b\", c", "[\"a,b\"][c]");
  assert_elements("x=\"a\\\",b\";q=1, c", "[x=\"a\\\",b\";q=1][c]");
  assert_elements("\"open, to the end", "[\"open, to the end]");
  assert_elements("\"ends in \\", "[\"ends in \\]");
}

static void assert_number(const char *text, int code, unsigned long long number) {
  unsigned long long got = 77;
  assert_int_equal(rl_slice_to_u64(rl_slice_str(text), &got), code);
  assert_true(got == (code ? 77 : number));
}

TEST(numbers_are_digits_alone_and_do_not_wrap) {
  UNUSED;
  assert_number("0", 0, 0);
  assert_number("00000000000000000000000010", 0, 10);
  assert_number("18446744073709551615", 0, 18446744073709551615u);
  assert_number("18446744073709551616", RL_ERANGE, 0);
  assert_number("99999999999999999999999999", RL_ERANGE, 0);
  assert_number("36893488147419103232", RL_ERANGE, 0); /* 2^65 wraps to 0 */
  assert_number("", RL_ESYNTAX, 0);
  assert_number("+1", RL_ESYNTAX, 0);
  assert_number("-1", RL_ESYNTAX, 0);
  assert_number(" 1", RL_ESYNTAX, 0);
  assert_number("1_0", RL_ESYNTAX, 0);
  assert_number("0x1", RL_ESYNTAX, 0);
  assert_number("99999999999999999999999999x", RL_ESYNTAX, 0);
  assert_number("\xd9\xa1", RL_ESYNTAX, 0); /* an Arabic digit */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(compares_bytes_also_none_at_all), RUN(case_is_that_of_ascii),
      RUN(trims_spaces_and_tabs_alone),     RUN(finds_a_byte_or_the_end),
      RUN(cuts_lists_as_rfc_9110_has_them), RUN(numbers_are_digits_alone_and_do_not_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
