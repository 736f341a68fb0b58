#include "base/utf8.h"

#include "support/test.h"

static void check(int (*map)(rl_buf *out, rl_slice s), const char *text, const char *expected) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(map(&out, rl_slice_str(text)), 0);
  assert_slice(rl_buf_slice(&out), expected);
  rl_buf_free(&out);
}

TEST(decodes_what_encode_wrote) {
  UNUSED;
  static const uint32_t points[] = {0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF};
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    char text[4];
    size_t len = rl_utf8_encode(points[i], text);
    assert_int_equal(rl_utf8_step(text, len), len);
    assert_int_equal(rl_utf8_decode(text, len), points[i]);
  }
}

TEST(maps_letters_of_every_script_that_has_two_cases) {
  UNUSED;
  check(rl_utf8_upper, "", "");
  check(rl_utf8_upper, "plain 1 Text", "PLAIN 1 TEXT");
  check(rl_utf8_lower, "PLAIN 1 Text", "plain 1 text");
  check(rl_utf8_upper, "\xC3\xA9t\xC3\xA9 \xCF\x80 \xD0\xB6", "\xC3\x89T\xC3\x89 \xCE\xA0 \xD0\x96");
  check(rl_utf8_lower, "\xC3\x89T\xC3\x89 \xCE\xA0 \xD0\x96", "\xC3\xA9t\xC3\xA9 \xCF\x80 \xD0\xB6");
  check(rl_utf8_upper,
        "stra\xC3\x9F"
        "e",
        "STRASSE");
}

TEST(keeps_what_is_not_utf8) {
  UNUSED;
  check(rl_utf8_upper, "a\xFFz\xC3", "A\xFFZ\xC3");
  check(rl_utf8_lower, "\xE2\x99", "\xE2\x99");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(decodes_what_encode_wrote),
      RUN(maps_letters_of_every_script_that_has_two_cases),
      RUN(keeps_what_is_not_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
