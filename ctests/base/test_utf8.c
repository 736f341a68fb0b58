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

/* Encodes a code point as RFC 3629 defines it, without a table. */
static size_t plain_encode(uint32_t point, char out[4]) {
  if (point < 0x80) return out[0] = (char)point, 1;
  if (point < 0x800) return out[0] = (char)(0xC0 | point >> 6), out[1] = (char)(0x80 | (point & 63)), 2;
  if (point < 0x10000) {
    out[0] = (char)(0xE0 | point >> 12);
    out[1] = (char)(0x80 | (point >> 6 & 63));
    out[2] = (char)(0x80 | (point & 63));
    return 3;
  }
  out[0] = (char)(0xF0 | point >> 18);
  out[1] = (char)(0x80 | (point >> 12 & 63));
  out[2] = (char)(0x80 | (point >> 6 & 63));
  out[3] = (char)(0x80 | (point & 63));
  return 4;
}

TEST(every_code_point_is_written_and_recognised_but_surrogates) {
  UNUSED;
  for (uint32_t point = 0; point <= 0x10FFFF; point++) {
    char want[4], got[4];
    size_t len = plain_encode(point, want);
    assert_int_equal(rl_utf8_encode(point, got), len);
    assert_memory_equal(got, want, len);
    bool surrogate = point >= 0xD800 && point < 0xE000;
    assert_int_equal(rl_utf8_step(got, len), surrogate ? 0 : len);
    if (len > 1) assert_int_equal(rl_utf8_step(got, len - 1), 0); /* cut off */
  }
}

/* Checks that of all sequences of two, three and four bytes exactly those of code points are well-formed. */
TEST(there_are_as_many_well_formed_sequences_as_code_points) {
  UNUSED;
  unsigned long counts[5] = {0};
  for (uint32_t first = 0x80; first < 0x100; first++)
    for (uint32_t second = 0; second < 0x100; second++)
      for (uint32_t third = 0x70; third < 0x100; third += third == 0x80 ? 63 : 1) {
        char s[4] = {(char)first, (char)second, (char)third, (char)0x80};
        counts[rl_utf8_step(s, 4)]++;
      }
  /* third bytes tried: 16 + 2 + 64, of which 2 are tails whose 64 are represented by the first and the last */
  assert_int_equal(counts[2] % (0x800 - 0x80), 0);
  assert_int_equal(counts[3], (0x10000 - 0x800 - 0x800) / 64 * 2);
  assert_int_equal(counts[4], (0x110000 - 0x10000) / 64 / 64 * 2);
}

TEST(what_is_malformed_is_so_in_any_place) {
  UNUSED;
  static const char *const bad[] = {"\x80",
                                    "\xbf",
                                    "\xc0\xaf",
                                    "\xc1\xbf",
                                    "\xe0\x80\xaf",
                                    "\xe0\x9f\xbf",
                                    "\xf0\x80\x80\xaf",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xff",
                                    "\xfe",
                                    "\xc3",
                                    "\xe2\x82",
                                    "\xf0\x9f\x98",
                                    "\xc3(",
                                    "\xe2(\xa1",
                                    "\xe2\x82(",
                                    "\xf8\x88\x80\x80\x80"};
  char text[64];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (size_t before = 0; before < 20; before++) {
      size_t len = strlen(bad[i]);
      memset(text, 'a', sizeof text);
      memcpy(text + before, bad[i], len);
      assert_false(rl_utf8_valid(rl_slice_of(text, before + len)));
      assert_false(rl_utf8_valid(rl_slice_of(text, before + len + 9)));
    }
}

TEST(text_of_any_length_is_valid) {
  UNUSED;
  assert_true(rl_utf8_valid(RL_SLICE_NONE));
  assert_true(rl_utf8_valid(RL_SLICE("plain")));
  assert_true(rl_utf8_valid(RL_SLICE("exactly8")));
  assert_true(rl_utf8_valid(RL_SLICE("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 and more of it\0")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(decodes_what_encode_wrote),
      RUN(maps_letters_of_every_script_that_has_two_cases),
      RUN(keeps_what_is_not_utf8),
      RUN(every_code_point_is_written_and_recognised_but_surrogates),
      RUN(there_are_as_many_well_formed_sequences_as_code_points),
      RUN(what_is_malformed_is_so_in_any_place),
      RUN(text_of_any_length_is_valid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
