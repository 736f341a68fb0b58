/* Converts text of other charsets to UTF-8: measured first, then written. */
#include "base/charset.h"

#include "base/error.h"
#include "support/test.h"

static void becomes(rl_slice bytes, const char *charset, const char *text) {
  char out[64];
  long len = rl_charset_to_utf8(bytes, rl_slice_str(charset), NULL);
  assert_int_equal(len, strlen(text));
  assert_int_equal(rl_charset_to_utf8(bytes, rl_slice_str(charset), out), len);
  assert_slice(rl_slice_of(out, (size_t)len), text);
}

TEST(text_becomes_utf8) {
  UNUSED;
  becomes(RL_SLICE("\xd0\xd2"), "koi8-r", "\xd0\xbf\xd1\x80");
  becomes(RL_SLICE("h\0i\0"), "UTF-16LE", "hi");
  becomes(RL_SLICE("\x1b$BF|K\\\x1b(B"), "ISO-2022-JP", "\xe6\x97\xa5\xe6\x9c\xac");
  becomes(RL_SLICE(""), "koi8-r", "");
}

TEST(bytes_that_are_not_of_it_are_refused) {
  UNUSED;
  assert_int_equal(rl_charset_to_utf8(RL_SLICE("\xff"), RL_SLICE("utf-8"), NULL), RL_EUTF8);
  assert_int_equal(rl_charset_to_utf8(RL_SLICE("a\x81"), RL_SLICE("Shift_JIS"), NULL), RL_EUTF8); /* half a character */
  assert_int_equal(rl_charset_to_utf8(RL_SLICE("abc"), RL_SLICE("UTF-16LE"), NULL), RL_EUTF8);
  assert_int_equal(rl_charset_to_utf8(RL_SLICE("\xf5\x9c\xb9\xad"), RL_SLICE("utf-8"), NULL), RL_EUTF8); /* too large */
}

TEST(names_are_those_of_charsets_only) {
  UNUSED;
  static const char *const names[] = {"",      "nonsense", "utf-8//TRANSLIT", "utf-8//IGNORE", "../../tmp/x",
                                      "utf 8", "utf-8,",   "utf-8/",          "\xff"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_false(rl_charset_is_known(rl_slice_str(names[i])));
  assert_false(rl_charset_is_known(RL_SLICE("utf-8\0x")));
  assert_true(rl_charset_is_known(RL_SLICE("Utf-8")));
  assert_int_equal(rl_charset_to_utf8(RL_SLICE("x"), RL_SLICE("nonsense"), NULL), RL_EUNSUPPORTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(text_becomes_utf8), RUN(bytes_that_are_not_of_it_are_refused),
                                     RUN(names_are_those_of_charsets_only)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
