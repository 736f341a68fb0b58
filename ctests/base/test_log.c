#include "base/log.h"

#include "base/json.h"
#include "support/test.h"

static char got[70000];

static void keep(void *ud, rl_log_level level, rl_slice line) {
  (void)ud, (void)level;
  size_t skip = 25; /* the time */
  assert_true(line.len > skip && line.len < sizeof got);
  memcpy(got, line.data + skip, line.len - skip);
  got[line.len - skip] = 0;
}

static const char *text_of(rl_slice message, const char *key, rl_slice value) {
  rl_log_field field = RL_LOG_TEXT_FIELD(key, value);
  rl_log_setup(RL_LOG_TEXT, RL_LOG_INFO);
  rl_log_capture(keep, NULL);
  rl_log(RL_LOG_INFO, message, &field, key ? 1 : 0);
  rl_log_capture(NULL, NULL);
  return got;
}

typedef struct row {
  rl_slice value;
  const char *shown;
} row;

static const row values[] = {
    {RL_SLICE("plain"), "plain"},
    {RL_SLICE("/posts/7?page"), "/posts/7?page"},
    {RL_SLICE(""), "\"\""},
    {RL_SLICE("two words"), "\"two words\""},
    {RL_SLICE("a=b"), "\"a=b\""},
    {RL_SLICE("x\" level=error admin=\"true"), "\"x\\\" level=error admin=\\\"true\""},
    {RL_SLICE("back\\slash"), "\"back\\\\slash\""},
    {RL_SLICE("end\\"), "\"end\\\\\""},
    {RL_SLICE("a\nlevel=error"), "\"a\\nlevel=error\""},
    {RL_SLICE("a\r\tb"), "\"a\\r\\tb\""},
    {RL_SLICE("\0\x01\x1b[31m\x7f"), "\"\\x00\\x01\\x1b[31m\\x7f\""},
    {RL_SLICE("a\xc2\x9b"
              "31mred\xc2\x80\xc2\x85\xc2\x9f"),
     "\"a\\x9b31mred\\x80\\x85\\x9f\""},
    {RL_SLICE("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8e\xd8\x9c"), "\"\\u{202e}\\u{2066}\\u{200e}\\u{61c}\""},
    {RL_SLICE("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u{2028}\\u{2029}\""},
    {RL_SLICE("\xff\xc3(\xed\xa0\x80\xc0\xaf"), "\"\\xff\\xc3(\\xed\\xa0\\x80\\xc0\\xaf\""},
    {RL_SLICE("caf\xc3\xa9 \xe6\x97\xa5"), "\"caf\xc3\xa9 \xe6\x97\xa5\""},
    {RL_SLICE("\x9b\x8d"), "\"\\x9b\\x8d\""},
};

TEST(a_value_is_one_value) {
  UNUSED;
  char wanted[400];
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    snprintf(wanted, sizeof wanted, "info  hello name=%s", values[i].shown);
    assert_string_equal(text_of(RL_SLICE("hello"), "name", values[i].value), wanted);
  }
}

TEST(a_name_is_one_name) {
  UNUSED;
  assert_string_equal(text_of(RL_SLICE("m"), "a b", RL_SLICE("v")), "info  m a\\x20b=v");
  assert_string_equal(text_of(RL_SLICE("m"), "x=1 level", RL_SLICE("v")), "info  m x\\x3d1\\x20level=v");
  assert_string_equal(text_of(RL_SLICE("m"), "a\nb", RL_SLICE("v")), "info  m a\\x0ab=v");
  assert_string_equal(text_of(RL_SLICE("m"), "\xc2\x9b", RL_SLICE("v")), "info  m \\xc2\\x9b=v");
}

TEST(a_message_is_no_field_and_no_line) {
  UNUSED;
  assert_string_equal(text_of(RL_SLICE("it says \"hi\""), NULL, RL_SLICE_NONE), "info  it says \"hi\"");
  assert_string_equal(text_of(RL_SLICE("x id=7 \"y\""), NULL, RL_SLICE_NONE), "info  \"x id=7 \\\"y\\\"\"");
  assert_string_equal(text_of(RL_SLICE("a\nb"), NULL, RL_SLICE_NONE), "info  a\n    b");
  assert_string_equal(text_of(RL_SLICE("\x1b]0;t\x07\xc2\x9d\xe2\x80\xae"), NULL, RL_SLICE_NONE),
                      "info  \\x1b]0;t\\x07\\x9d\\u{202e}");
}

TEST(a_traceback_follows_the_line_indented) {
  UNUSED;
  assert_string_equal(text_of(RL_SLICE("m"), "traceback", RL_SLICE("one\n2026 error forged\x1b")),
                      "info  m\n  traceback:\n    one\n    2026 error forged\\x1b");
}

static const char *json_of(const char *key, rl_slice value) {
  rl_log_field field = RL_LOG_TEXT_FIELD(key, value);
  rl_log_setup(RL_LOG_JSON, RL_LOG_INFO);
  rl_log_capture(keep, NULL);
  rl_log(RL_LOG_INFO, RL_SLICE("m"), &field, 1);
  rl_log_capture(NULL, NULL);
  rl_log_setup(RL_LOG_TEXT, RL_LOG_INFO);
  return strstr(got, "\"message\"");
}

TEST(json_shows_nothing_that_acts) {
  UNUSED;
  assert_string_equal(json_of("name", RL_SLICE("x\" level=e")), "\"message\":\"m\",\"name\":\"x\\\" level=e\"}");
  assert_string_equal(json_of("name", RL_SLICE("\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xc3\xa9")),
                      "\"message\":\"m\",\"name\":\"\\u007f\\u009b\\u202e\\u2028\xc3\xa9\"}");
  assert_string_equal(json_of("name", RL_SLICE("\xff\x9b\x7f\"")),
                      "\"message\":\"m\",\"name\":\"\\u00ff\\u009b\\u007f\\u0022\"}");
  assert_string_equal(json_of("level", RL_SLICE("error")), "\"message\":\"m\",\"level_\":\"error\"}");
  assert_string_equal(json_of("a\"b\xc2\x9b", RL_SLICE("v")), "\"message\":\"m\",\"a\\u0022b\\u009b\":\"v\"}");
}

static unsigned told;
static size_t told_fields;

static void tell(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  assert_ptr_equal(ud, &told);
  assert_true(level >= RL_LOG_INFO && rl_slice_eq(message, RL_SLICE("hello")));
  assert_true(!count || strcmp(fields[0].key, "name") == 0);
  told++;
  told_fields += count;
}

TEST(a_line_that_is_wanted_is_told_in_its_parts_and_written) {
  UNUSED;
  rl_log_tell(tell, &told);
  assert_string_equal(text_of(RL_SLICE("hello"), "name", RL_SLICE("x")), "info  hello name=x");
  rl_log(RL_LOG_DEBUG, RL_SLICE("hello"), NULL, 0);
  rl_log_tell(NULL, NULL);
  text_of(RL_SLICE("hello"), "name", RL_SLICE("x"));
  assert_int_equal(told, 1);
  assert_int_equal(told_fields, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_value_is_one_value),
      RUN(a_name_is_one_name),
      RUN(a_message_is_no_field_and_no_line),
      RUN(a_traceback_follows_the_line_indented),
      RUN(json_shows_nothing_that_acts),
      RUN(a_line_that_is_wanted_is_told_in_its_parts_and_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
