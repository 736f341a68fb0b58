#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

/* ---- reading ---------------------------------------------------------------------------------------------------------------- */

/* Reads all of it. Returns RL_JSON_DONE or the error. Writes the tokens as text, if wanted. */
static int read_all(rl_slice text, rl_buf *tokens) {
  static const char *const signs[] = {
      [RL_JSON_DONE] = ".",  [RL_JSON_NULL] = "n",      [RL_JSON_TRUE] = "t",   [RL_JSON_FALSE] = "f",
      [RL_JSON_ARRAY] = "[", [RL_JSON_END_ARRAY] = "]", [RL_JSON_OBJECT] = "{", [RL_JSON_END_OBJECT] = "}"};
  rl_json_reader r;
  int token;
  rl_json_reader_init(&r, text);
  do {
    token = rl_json_next(&r);
    if (token < 0 || !tokens) continue;
    if (token == RL_JSON_INTEGER) rl_buf_addf(tokens, "i%lld ", (long long)r.integer);
    else if (token == RL_JSON_NUMBER) rl_buf_addf(tokens, "d%.17g ", r.number);
    else if (token == RL_JSON_STRING) rl_buf_addf(tokens, "'%.*s'", RL_FMT(r.string));
    else if (token == RL_JSON_KEY) rl_buf_addf(tokens, "%.*s:", RL_FMT(r.string));
    else rl_buf_add_str(tokens, signs[token]);
  } while (token > 0 && token != RL_JSON_DONE);
  rl_json_reader_free(&r);
  return token;
}

static void assert_tokens(const char *text, const char *wanted) {
  rl_buf tokens;
  rl_buf_init(&tokens, RL_BUF_NO_LIMIT);
  assert_int_equal(read_all(rl_slice_str(text), &tokens), RL_JSON_DONE);
  assert_slice(rl_buf_slice(&tokens), wanted);
  rl_buf_free(&tokens);
}

/* In a block of exactly its size. */
static int read_copy(rl_slice text) {
  char *copy = test_malloc(text.len);
  if (text.len) memcpy(copy, text.data, text.len);
  int code = read_all(rl_slice_of(copy, text.len), NULL);
  test_free(copy);
  return code;
}

static void assert_refused(rl_slice text, int wanted) {
  int code = read_copy(text);
  if (code != wanted) fail_msg("'%.*s': %s instead of %s", RL_FMT(text), rl_error_name(code), rl_error_name(wanted));
}

TEST(reads_values_of_every_kind) {
  UNUSED;
  assert_tokens("null", "n.");
  assert_tokens(" \t\r\n true \n", "t.");
  assert_tokens("{}", "{}.");
  assert_tokens("[]", "[].");
  assert_tokens("{\"a\":[1,-2,{\"b\":false}],\"c\":\"d\"}", "{a:[i1 i-2 {b:f}]c:'d'}.");
  assert_tokens("[ [ ] , { } , [ null ] ]", "[[]{}[n]].");
  assert_tokens("{\"a\":1,\"a\":2,\"\":3}", "{a:i1 a:i2 :i3 }.");
}

TEST(integers_stay_integers_as_long_as_they_fit) {
  UNUSED;
  assert_tokens("[0,-0,7,-7]", "[i0 i0 i7 i-7 ].");
  assert_tokens("9223372036854775807", "i9223372036854775807 .");
  assert_tokens("-9223372036854775808", "i-9223372036854775808 .");
  assert_tokens("9223372036854775808", "d9.2233720368547758e+18 .");
  assert_tokens("-9223372036854775809", "d-9.2233720368547758e+18 .");
  assert_tokens("1.0", "d1 .");
  assert_tokens("[1e2,1E+2,1e-2,-0.0,0.5e0]", "[d100 d100 d0.01 d-0 d0.5 ].");
}

TEST(a_number_of_a_thousand_digits_is_one) {
  UNUSED;
  char text[1200];
  memset(text, '1', sizeof text);
  text[1] = '.';
  assert_int_equal(read_all(rl_slice_of(text, sizeof text), NULL), RL_JSON_DONE);
  text[1] = '1';
  assert_int_equal(read_all(rl_slice_of(text, sizeof text), NULL), RL_ERANGE);
}

TEST(a_number_that_overflows_is_refused_one_that_underflows_is_zero) {
  UNUSED;
  assert_refused(RL_SLICE("1e400"), RL_ERANGE);
  assert_refused(RL_SLICE("[-1e309]"), RL_ERANGE);
  assert_tokens("1e-400", "d0 .");
  assert_tokens("1.7976931348623157e308", "d1.7976931348623157e+308 .");
  assert_tokens("5e-324", "d4.9406564584124654e-324 .");
}

TEST(strings_with_escapes) {
  UNUSED;
  assert_tokens("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "'\"\\/\b\f\n\r\t'.");
  assert_tokens("\"a\\u0041\\u00e9\\u20AC\\ud83d\\uDE00z\"", "'aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z'.");
  assert_tokens("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f'.");
  assert_tokens("{\"\\u0061b\":1}", "{ab:i1 }.");
  assert_tokens("\"\\ufffe\\uffff\\u0080\"", "'\xef\xbf\xbe\xef\xbf\xbf\xc2\x80'.");
}

TEST(a_string_may_hold_nul) {
  UNUSED;
  rl_json_reader r;
  rl_json_reader_init(&r, RL_SLICE("\"a\\u0000b\""));
  assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
  assert_int_equal(r.string.len, 3);
  assert_memory_equal(r.string.data, "a\0b", 3);
  rl_json_reader_free(&r);
}

TEST(a_string_without_escapes_is_a_slice_of_the_text) {
  UNUSED;
  const char *text = "[\"plain and longer than a word\"]";
  rl_json_reader r;
  rl_json_reader_init(&r, rl_slice_str(text));
  rl_json_next(&r);
  assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
  assert_ptr_equal(r.string.data, text + 2);
  rl_json_reader_free(&r);
}

/* The kinds of JSONTestSuite's n_ files (Seriot 2016). */
TEST(what_is_no_json_is_refused) {
  UNUSED;
  static const char *const bad[] = {
      /* structure */
      "", " ", "[", "]", "{", "}", "[1", "[1,", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "[]]", "{}}", "[}", "{]",
      "[1}", "{\"a\":1]", "[1 2]", "[,]", "[,1]", "[1,]", "[1,,2]", "{,}", "{\"a\":1,}", "{\"a\":1,,\"b\":2}",
      "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{:1}", "{1:1}", "{null:1}", "{a:1}", "{'a':1}", "{\"a\":}", "{\"a\"::1}",
      "{\"a\":1:2}", "[\"a\":1]", "[] []", "1 2", "1,", "null null", "[]x", "[1:2]", "//x\n[]", "[] /* */", "[]#",
      "[]\f", "\v[]", "[\xc2\xa0]", "<null>", "*", "[[[",
      /* words */
      "nul", "nulll", "Null", "NULL", "tru", "truee", "True", "fals", "TRUE", "undefined", "NaN", "nan", "Infinity",
      "-Infinity", "inf", "+Infinity", "-NaN",
      /* numbers */
      "+1", "-", "--1", "-+1", "01", "-01", "00", "0123", "1.", ".5", "-.5", "1.e1", "1..2", "1.2.3", "1e", "1e+",
      "1E-", "1e1.5", "1ee2", "0x1", "0b1", "0o7", "1_000", "1,5", "- 1", "1 e2", "1e 2", "1a", "0e", "0.e1",
      "\xef\xbc\x91", "2.e3", "-2.", "1d",
      /* strings */
      "\"", "\"a", "'a'", "a", "\"\\", "\"\\\"", "\"\\x41\"", "\"\\a\"", "\"\\v\"", "\"\\0\"", "\"\\'\"", "\"\\u\"",
      "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\"", "\"\\u+123\"", "\"\\u 123\"", "\"\n\"",
      "\"\t\"", "\"\x01\"", "\"\x1f\"", "\"\r\"", "\"a\" \"b\"", "\"\\\n\"", "\"\\\xc3\xa9\"", "\\u0041",
      "\"\\u{41}\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refused(rl_slice_str(bad[i]), RL_ESYNTAX);
  assert_refused(RL_SLICE("[1]\0"), RL_ESYNTAX);
  assert_refused(RL_SLICE("\"a\0b\""), RL_ESYNTAX);
  assert_refused(RL_SLICE("\0"), RL_ESYNTAX);
}

/* RFC 8259 section 8.2 leaves them open: each is U+FFFD, and the rest is read. */
TEST(surrogates_that_are_alone_are_replaced) {
  UNUSED;
#define LOST "\xef\xbf\xbd"
  assert_tokens("\"\\ud800\"", "'" LOST "'.");
  assert_tokens("\"\\udc00\"", "'" LOST "'.");
  assert_tokens("\"\\ud800\\ud800\"", "'" LOST LOST "'.");
  assert_tokens("\"\\udc00\\ud800\"", "'" LOST LOST "'.");
  assert_tokens("\"\\ud83d\\ud83d\\ude00\"", "'" LOST "\xf0\x9f\x98\x80'.");
  assert_tokens("\"\\ud83d\\ude00\\ude00\"", "'\xf0\x9f\x98\x80" LOST "'.");
  assert_tokens("\"a\\ud800x\"", "'a" LOST "x'.");
  assert_tokens("\"\\ud800\\n\"", "'" LOST "\n'.");
  assert_tokens("\"\\ud800\\u0041\"", "'" LOST "A'.");
  static const char *const bad[] = {"\"\\ud83d\\ude0\"", "\"\\ud83d\\\"", "\"\\ud83d", "\"\\ud83d\\u", "\"\\ud8\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refused(rl_slice_str(bad[i]), RL_ESYNTAX);
}

TEST(a_byte_order_mark_is_skipped_in_front_and_nowhere_else) {
  UNUSED;
  assert_int_equal(read_copy(RL_SLICE("\xef\xbb\xbf[1]")), RL_JSON_DONE);
  assert_refused(RL_SLICE("\xef\xbb\xbf"), RL_ESYNTAX);
  assert_refused(RL_SLICE("\xef\xbb"), RL_ESYNTAX);
  assert_refused(RL_SLICE("\xef\xbb\xbf\xef\xbb\xbf[]"), RL_ESYNTAX);
  assert_refused(RL_SLICE(" \xef\xbb\xbf[]"), RL_ESYNTAX);
  assert_refused(RL_SLICE("[]\xef\xbb\xbf"), RL_ESYNTAX);
}

TEST(bytes_that_are_no_utf8_are_refused) {
  UNUSED;
  static const char *const bad[] = {
      "\"\xff\"", "\"\x80\"",     "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
      "\"\xc3\"", "\"\xe2\x82\"", "\"a\\n\xff\"", "{\"\xff\":1}",     "\"long enough \xfe\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refused(rl_slice_str(bad[i]), RL_EUTF8);
}

TEST(a_value_cut_short_anywhere_is_refused) {
  UNUSED;
  rl_slice text = RL_SLICE("{\"key\":[true,null,-1.5e+3,\"a\\u00e9\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}");
  assert_int_equal(read_copy(text), RL_JSON_DONE);
  for (size_t len = 0; len < text.len; len++) assert_true(read_copy(rl_slice_of(text.data, len)) < 0);
}

TEST(nesting_has_a_limit) {
  UNUSED;
  char text[2 * RL_LIMIT_JSON_DEPTH + 2];
  for (unsigned depth = RL_LIMIT_JSON_DEPTH - 1; depth <= RL_LIMIT_JSON_DEPTH + 1; depth++) {
    int wanted = depth > RL_LIMIT_JSON_DEPTH ? RL_EDEPTH : RL_JSON_DONE;
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    assert_int_equal(read_all(rl_slice_of(text, 2 * depth), NULL), wanted);
  }
  rl_json_reader r;
  rl_json_reader_init(&r, RL_SLICE("[{\"a\":1}]"));
  r.max_depth = 1;
  assert_int_equal(rl_json_next(&r), RL_JSON_ARRAY);
  assert_int_equal(rl_json_next(&r), RL_EDEPTH);
  rl_json_reader_free(&r);
}

TEST(kinds_of_brackets_are_kept_apart_at_every_depth) {
  UNUSED;
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  for (int i = 0; i < 100; i++) rl_buf_add_str(&text, i % 3 ? "[" : "{\"a\":");
  rl_buf_add_str(&text, "1");
  for (int i = 99; i >= 0; i--) rl_buf_add_str(&text, i % 3 ? "]" : "}");
  assert_int_equal(read_all(rl_buf_slice(&text), NULL), RL_JSON_DONE);
  text.data[text.len - 40] = text.data[text.len - 40] == ']' ? '}' : ']';
  assert_int_equal(read_all(rl_buf_slice(&text), NULL), RL_ESYNTAX);
  rl_buf_free(&text);
}

TEST(an_error_has_a_place) {
  UNUSED;
  unsigned line, column;
  rl_json_reader r;
  rl_json_reader_init(&r, RL_SLICE("{\n  \"a\": 1,\n  \"b\": x\n}"));
  while (rl_json_next(&r) > 0) {
  }
  rl_json_position(&r, &line, &column);
  assert_int_equal(line, 3);
  assert_int_equal(column, 8);
  rl_json_reader_free(&r);
}

TEST(memory_that_is_short_is_an_error) {
  UNUSED;
  for (long nth = 1; nth < 3; nth++) {
    rl_alloc_fail_at(nth, true);
    int code = read_all(
        RL_SLICE(
            "[\"a\\nb\",\"a longer one than what has been put together in the buffer so far, so it must grow \\n\"]"),
        NULL);
    rl_alloc_fail_at(0, false);
    assert_int_equal(code, RL_ENOMEM);
  }
}

/* ---- writing ---------------------------------------------------------------------------------------------------------------- */

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
  rl_json_reader_init(&r, rl_slice_of(out->data, out->len - 1));
  assert_int_equal(rl_json_next(&r), RL_JSON_NUMBER);
  assert_memory_equal(&r.number, &number, sizeof number);
  assert_int_equal(rl_json_next(&r), RL_JSON_DONE);
  rl_json_reader_free(&r);
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
      rl_json_reader_init(&r, rl_buf_slice(&out));
      assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
      assert_int_equal(r.string.len, sizeof text);
      assert_memory_equal(r.string.data, text, sizeof text);
      bool plain = byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F;
      assert_int_equal(out.len == sizeof text + 2, plain);
      rl_json_reader_free(&r);
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
      RUN(reads_values_of_every_kind),
      RUN(integers_stay_integers_as_long_as_they_fit),
      RUN(a_number_of_a_thousand_digits_is_one),
      RUN(a_number_that_overflows_is_refused_one_that_underflows_is_zero),
      RUN(strings_with_escapes),
      RUN(a_string_may_hold_nul),
      RUN(a_string_without_escapes_is_a_slice_of_the_text),
      RUN(what_is_no_json_is_refused),
      RUN(surrogates_that_are_alone_are_replaced),
      RUN(a_byte_order_mark_is_skipped_in_front_and_nowhere_else),
      RUN(bytes_that_are_no_utf8_are_refused),
      RUN(a_value_cut_short_anywhere_is_refused),
      RUN(nesting_has_a_limit),
      RUN(kinds_of_brackets_are_kept_apart_at_every_depth),
      RUN(an_error_has_a_place),
      RUN(memory_that_is_short_is_an_error),
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
