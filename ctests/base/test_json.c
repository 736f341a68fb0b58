#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json_plain.h"
#include "base/json_reader.h"
#include "support/test.h"

static void assert_number(double number, const char *wanted) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_json_write_number(&out, number), 0);
  assert_slice(rl_buf_slice(&out), wanted);
  rl_buf_free(&out);
}

TEST(writes_the_shortest_digits_with_a_point_or_an_exponent) {
  UNUSED;
  assert_number(0.0, "0.0");
  assert_number(-0.0, "-0.0");
  assert_number(1.0, "1.0");
  assert_number(-2.5, "-2.5");
  assert_number(0.1, "0.1");
  assert_number(0.1 + 0.2, "0.30000000000000004");
  assert_number(1.0 / 3, "0.3333333333333333");
  assert_number(5e-324, "5e-324");
  assert_number(DBL_MAX, "1.7976931348623157e+308");
  assert_number(DBL_MIN, "2.2250738585072014e-308");
  assert_number(9007199254740993.0, "9.007199254740992e+15");
  assert_number(123456789012345.6, "123456789012345.6");
  assert_number(1e21, "1e+21");
  assert_number(1e-7, "1e-07");
  assert_number(0.00001, "0.00001");
  assert_number(99999999999999.9, "99999999999999.9");
}

/* Counts the significant digits of a number as text. */
static int count_digits(const char *text) {
  int count = 0, zeros = 0;
  for (const char *at = text; *at && *at != 'e'; at++) {
    if (*at < '0' || *at > '9' || (!count && *at == '0')) continue;
    count++;
    zeros = *at == '0' ? zeros + 1 : 0;
  }
  return count - zeros > 0 ? count - zeros : 1;
}

/* Returns the least number of digits that read back: the C library's nearest of each length. */
static int least_digits(double number) {
  char text[40];
  for (int precision = 1; precision < 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, number);
    if (strtod(text, NULL) == number) return precision;
  }
  return 17;
}

static void check_number(rl_buf *out, double number) {
  rl_buf_clear(out);
  assert_int_equal(rl_json_write_number(out, number), 0);
  rl_buf_add_char(out, '\0');
  double back = strtod(out->data, NULL);
  if (memcmp(&back, &number, sizeof back) != 0) fail_msg("%.17g as %s reads %.17g", number, out->data, back);
  if (count_digits(out->data) > least_digits(number))
    fail_msg("%.17g as %s: %d digits are enough", number, out->data, least_digits(number));
  rl_json_reader r;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, rl_slice_of(out->data, out->len - 1), &scratch);
  assert_int_equal(rl_json_next(&r), RL_JSON_NUMBER);
  assert_memory_equal(&r.number, &number, sizeof number);
  assert_int_equal(rl_json_next(&r), RL_JSON_DONE);
  rl_buf_free(&scratch);
}

TEST(any_double_reads_back_and_is_as_short_as_can_be) {
  UNUSED;
  rl_buf out;
  uint64_t random = 88172645463325252u;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (int i = 0; i < 60000; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    double number,
        decimal = (double)(int64_t)(random % 2000000000000u - 1000000000000u) / (double[]){1, 10, 1e3, 1e8}[i % 4];
    memcpy(&number, &random, sizeof number);
    if (isfinite(number)) check_number(&out, number);
    check_number(&out, decimal);
    check_number(&out, nextafter(decimal, INFINITY));
  }
  for (int exponent = -1074; exponent < 1024; exponent++) { /* the borders, with neighbours at unequal distances */
    check_number(&out, ldexp(1, exponent));
    check_number(&out, nextafter(ldexp(1, exponent), 0));
  }
  rl_buf_free(&out);
}

TEST(nan_and_infinities_are_refused) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_json_write_number(&out, NAN), RL_EINVALID);
  assert_int_equal(rl_json_write_number(&out, INFINITY), RL_EINVALID);
  assert_int_equal(rl_json_write_number(&out, -INFINITY), RL_EINVALID);
  assert_int_equal(out.len, 0);
  rl_buf_free(&out);
}

TEST(writes_integers_of_every_size) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  static const int64_t numbers[] = {0, 7, -7, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < 5; i++) {
    rl_json_write_integer(&out, numbers[i]);
    rl_buf_add_char(&out, ' ');
  }
  assert_slice(rl_buf_slice(&out), "0 7 -7 9223372036854775807 -9223372036854775808 ");
  rl_buf_free(&out);
}

static void assert_string(rl_slice s, const char *wanted) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_json_write_string(&out, s), 0);
  assert_slice(rl_buf_slice(&out), wanted);
  rl_buf_free(&out);
}

TEST(writes_strings) {
  UNUSED;
  assert_string(RL_SLICE_NONE, "\"\"");
  assert_string(RL_SLICE("plain and longer than eight"), "\"plain and longer than eight\"");
  assert_string(RL_SLICE("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
  assert_string(RL_SLICE("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\\u007f\"");
  assert_string(RL_SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Tries each place of a word's eight bytes with each byte, because a word is examined at once. */
TEST(every_byte_in_every_place_of_a_word_is_written_right) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (int byte = 0; byte < 128; byte++)
    for (size_t place = 0; place < 17; place++) {
      char text[17];
      memset(text, 'x', sizeof text);
      text[place] = (char)byte;
      rl_buf_clear(&out);
      assert_int_equal(rl_json_write_string(&out, rl_slice_of(text, sizeof text)), 0);
      rl_json_reader r;
      rl_buf scratch;
      rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
      rl_json_reader_init(&r, rl_buf_slice(&out), &scratch);
      assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
      assert_int_equal(r.string.len, sizeof text);
      assert_memory_equal(r.string.data, text, sizeof text);
      bool plain = byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F;
      assert_int_equal(out.len == sizeof text + 2, plain);
      rl_buf_free(&scratch);
    }
  rl_buf_free(&out);
}

TEST(a_string_that_is_no_utf8_is_refused) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_json_write_string(&out, RL_SLICE("a\xff")), RL_EUTF8);
  assert_int_equal(rl_json_write_string(&out, RL_SLICE("\xed\xa0\x80")), RL_EUTF8);
  rl_buf_free(&out);
}

TEST(a_buffer_with_a_limit_ends_the_writing) {
  UNUSED;
  rl_buf out;
  for (size_t limit = 0; limit < 24; limit++) {
    rl_buf_init(&out, limit);
    int code = rl_json_write_string(&out, RL_SLICE("four\n\n\n\n"));
    assert_true(out.len <= limit);
    assert_int_equal(code, limit < 14 ? RL_ETOOBIG : 0); /* the bytes written count, not those that might have been */
    rl_buf_free(&out);
    rl_buf_init(&out, limit);
    assert_int_equal(rl_json_write_number(&out, -2.5), limit < 4 ? RL_ETOOBIG : 0);
    assert_int_equal(out.len, limit < 4 ? 0 : 4);
    rl_buf_free(&out);
    rl_buf_init(&out, limit);
    assert_int_equal(rl_json_write_integer(&out, -12), limit < 3 ? RL_ETOOBIG : 0);
    assert_int_equal(out.len, limit < 3 ? 0 : 3);
    rl_buf_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(writes_the_shortest_digits_with_a_point_or_an_exponent),
      RUN(any_double_reads_back_and_is_as_short_as_can_be),
      RUN(nan_and_infinities_are_refused),
      RUN(writes_integers_of_every_size),
      RUN(writes_strings),
      RUN(every_byte_in_every_place_of_a_word_is_written_right),
      RUN(a_string_that_is_no_utf8_is_refused),
      RUN(a_buffer_with_a_limit_ends_the_writing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
