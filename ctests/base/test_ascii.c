#include "base/ascii.h"

#include "support/test.h"

/* Checks the classes against those of RFC 9110 and RFC 3986. */
static const char digits[] = "0123456789", letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool among(int c, const char *set) { return c && strchr(set, c); }

static bool is_digit(int c) { return among(c, digits); }
static bool is_alpha(int c) { return among(c, letters); }
static bool is_token(int c) { return is_digit(c) || is_alpha(c) || among(c, "!#$%&'*+-.^_`|~"); }
static bool is_hex(int c) { return is_digit(c) || among(c, "abcdefABCDEF"); }
static bool is_unreserved(int c) { return is_digit(c) || is_alpha(c) || among(c, "-._~"); }
static bool is_uri(int c) { return is_unreserved(c) || among(c, ":/?[]@!$&'()*+,;=%"); }
static bool is_host(int c) { return is_unreserved(c) || among(c, "!$&'()*+;="); }
static bool is_field(int c) { return c == '\t' || (c >= 0x20 && c != 0x7F); }

TEST(every_byte_has_the_classes_of_the_grammars) {
  UNUSED;
  for (int c = 0; c < 256; c++) {
    unsigned char byte = (unsigned char)c;
    assert_int_equal(rl_is(byte, RL_CHAR_DIGIT), is_digit(c));
    assert_int_equal(rl_is(byte, RL_CHAR_ALPHA), is_alpha(c));
    assert_int_equal(rl_is(byte, RL_CHAR_TOKEN), is_token(c));
    assert_int_equal(rl_is(byte, RL_CHAR_HEX), is_hex(c));
    assert_int_equal(rl_is(byte, RL_CHAR_UNRESERVED), is_unreserved(c));
    assert_int_equal(rl_is(byte, RL_CHAR_URI), is_uri(c));
    assert_int_equal(rl_is(byte, RL_CHAR_HOST), is_host(c));
    assert_int_equal(rl_is(byte, RL_CHAR_FIELD), is_field(c));
  }
}

TEST(only_the_letters_of_ascii_have_a_case) {
  UNUSED;
  for (int c = 0; c < 256; c++) assert_int_equal((unsigned char)rl_lower((char)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
}

TEST(hex_digits_have_a_value) {
  UNUSED;
  for (int c = 0; c < 256; c++) {
    const char *lower = c ? strchr("0123456789abcdef", rl_lower((char)c)) : NULL;
    assert_int_equal(rl_hex_value((char)c), lower ? lower - strchr("0123456789abcdef", '0') : -1);
  }
  assert_int_equal(rl_hex_value('F'), 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(every_byte_has_the_classes_of_the_grammars),
      RUN(only_the_letters_of_ascii_have_a_case),
      RUN(hex_digits_have_a_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
