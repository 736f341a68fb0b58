#include "base/json_reader.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

/* Reads all of it. Returns RL_JSON_DONE or the error. Writes the tokens as text, if wanted. */
static int read_all(rl_slice text, rl_buf *tokens) {
  static const char *const signs[] = {
      [RL_JSON_DONE] = ".",  [RL_JSON_NULL] = "n",      [RL_JSON_TRUE] = "t",   [RL_JSON_FALSE] = "f",
      [RL_JSON_ARRAY] = "[", [RL_JSON_END_ARRAY] = "]", [RL_JSON_OBJECT] = "{", [RL_JSON_END_OBJECT] = "}"};
  rl_json_reader r;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  int token;
  rl_json_reader_init(&r, text, &scratch);
  do {
    token = rl_json_next(&r);
    if (token < 0 || !tokens) continue;
    if (token == RL_JSON_INTEGER) rl_buf_addf(tokens, "i%lld ", (long long)r.integer);
    else if (token == RL_JSON_NUMBER) rl_buf_addf(tokens, "d%.17g ", r.number);
    else if (token == RL_JSON_STRING) rl_buf_addf(tokens, "'%.*s'", RL_FMT(r.string));
    else if (token == RL_JSON_KEY) rl_buf_addf(tokens, "%.*s:", RL_FMT(r.string));
    else rl_buf_add_str(tokens, signs[token]);
  } while (token > 0 && token != RL_JSON_DONE);
  rl_buf_free(&scratch);
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
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, RL_SLICE("\"a\\u0000b\""), &scratch);
  assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
  assert_int_equal(r.string.len, 3);
  assert_memory_equal(r.string.data, "a\0b", 3);
  rl_buf_free(&scratch);
}

TEST(a_string_without_escapes_is_a_slice_of_the_text) {
  UNUSED;
  const char *text = "[\"plain and longer than a word\"]";
  rl_json_reader r;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, rl_slice_str(text), &scratch);
  rl_json_next(&r);
  assert_int_equal(rl_json_next(&r), RL_JSON_STRING);
  assert_ptr_equal(r.string.data, text + 2);
  rl_buf_free(&scratch);
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
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, RL_SLICE("[{\"a\":1}]"), &scratch);
  r.max_depth = 1;
  assert_int_equal(rl_json_next(&r), RL_JSON_ARRAY);
  assert_int_equal(rl_json_next(&r), RL_EDEPTH);
  rl_buf_free(&scratch);
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
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, RL_SLICE("{\n  \"a\": 1,\n  \"b\": x\n}"), &scratch);
  while (rl_json_next(&r) > 0) {
  }
  rl_json_position(&r, &line, &column);
  assert_int_equal(line, 3);
  assert_int_equal(column, 8);
  rl_buf_free(&scratch);
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

/* Reads up to the key at `from`, and asks whether `expected` comes. */
static bool is_key(const char *text, int tokens, const char *expected, int then) {
  rl_json_reader r;
  rl_buf scratch;
  rl_buf_init(&scratch, RL_BUF_NO_LIMIT);
  rl_json_reader_init(&r, rl_slice_str(text), &scratch);
  for (int i = 0; i < tokens; i++) assert_true(rl_json_next(&r) > 0);
  const char *before = r.at;
  rl_json_expected key;
  rl_json_expect(&key, rl_slice_str(expected));
  bool found = rl_json_next_is_key(&r, &key);
  if (!found) assert_ptr_equal(r.at, before);
  assert_int_equal(rl_json_next(&r), then);
  rl_buf_free(&scratch);
  return found;
}

TEST(a_key_that_is_expected_is_read_if_it_comes) {
  UNUSED;
  assert_true(is_key("{\"id\":1}", 1, "id", RL_JSON_INTEGER));
  assert_true(is_key(" { \"a longer key\" : null}", 1, "a longer key", RL_JSON_NULL));
  assert_true(is_key("{\"a\":1 ,\n\"\": true}", 3, "", RL_JSON_TRUE));
  for (size_t len = 0; len <= 20; len++) /* with the comma and the colon around it, or spaces */
    for (int shape = 0; shape < 4; shape++) {
      static const char *const shapes[] = {"{\"%s\":1}", "{\"%s\":1                    }",
                                           "{\"x\":2,\"%s\":1                    }",
                                           "{\"x\":2, \"%s\" :1                    }"};
      char text[128], key[24] = "abcdefghijklmnopqrstu", other[24];
      key[len] = 0;
      snprintf(text, sizeof text, shapes[shape], key);
      assert_true(is_key(text, shape < 2 ? 1 : 3, key, RL_JSON_INTEGER));
      for (size_t i = 0; i < len; i++) {
        memcpy(other, key, sizeof key);
        other[i] = '-';
        assert_false(is_key(text, shape < 2 ? 1 : 3, other, RL_JSON_KEY));
      }
      other[len ? len - 1 : 0] = 0;
      assert_int_equal(is_key(text, shape < 2 ? 1 : 3, other, len ? RL_JSON_KEY : RL_JSON_INTEGER), !len);
    }
  assert_false(is_key("[1,\"id\":2                 ]", 2, "id", RL_JSON_STRING));
  assert_false(is_key("{\"a\":1;\"id\":2              }", 3, "id", RL_ESYNTAX));
  assert_false(is_key("[ \"id\":1                 ]", 1, "id", RL_JSON_STRING));
  assert_false(is_key("{\"id\":1}", 1, "ie", RL_JSON_KEY));
  assert_false(is_key("{\"id\":1}", 1, "i", RL_JSON_KEY));
  assert_false(is_key("{\"id\":1}", 1, "id2", RL_JSON_KEY));
  assert_false(is_key("{\"\\u0069d\":1}", 1, "id", RL_JSON_KEY));
  assert_false(is_key("{}", 1, "id", RL_JSON_END_OBJECT));
  assert_false(is_key("[\"id\"]", 1, "id", RL_JSON_STRING));
  assert_false(is_key("[1,\"id\"]", 2, "id", RL_JSON_STRING));
  assert_false(is_key("{\"id\"", 1, "id", RL_ESYNTAX));
  assert_false(is_key("{\"a\":1 \"id\":2}", 3, "id", RL_ESYNTAX));
  assert_false(is_key("{\"a\":1}", 3, "id", RL_JSON_END_OBJECT));
  assert_false(is_key("1", 1, "id", RL_JSON_DONE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_key_that_is_expected_is_read_if_it_comes),
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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
