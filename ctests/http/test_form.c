#include "http/form.h"

#include "base/error.h"
#include "support/test.h"

/* "name=value|name=value", decoded, or the error. */
static void expect_of(const char *body, size_t most, bool utf8, const char *expected) {
  rl_form form;
  rl_buf log;
  rl_slice name, value;
  int code;
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  rl_form_init(&form, rl_slice_str(body), most, utf8);
  while ((code = rl_form_next(&form, &name, &value)) == 1)
    rl_buf_addf(&log, "%s%.*s=%.*s", log.len ? "|" : "", RL_FMT(name), RL_FMT(value));
  if (code < 0) rl_buf_clear(&log), rl_buf_addf(&log, "error %s", rl_error_name(code));
  assert_slice(rl_buf_slice(&log), expected);
  rl_form_free(&form);
  rl_buf_free(&log);
}

static void expect(const char *body, const char *expected) { expect_of(body, 1000, true, expected); }

TEST(fields_are_decoded_in_order) {
  UNUSED;
  expect("", "");
  expect("a=1&b=2&a=3", "a=1|b=2|a=3");
  expect("title=Hello+World%21&text=a%26b%3Dc%0D%0A", "title=Hello World!|text=a&b=c\r\n");
  expect("a&b=&=c&&=", "a=|b=|=c|=");
  expect("a=b=c", "a=b=c");
  expect("%C3%BC=%e2%82%ac", "ü=€");
  expect("a[b][c]=1", "a[b][c]=1"); /* a name like any other: nothing nests */
}

TEST(what_cannot_be_decoded_is_an_error) {
  UNUSED;
  expect("a=%zz", "error SYNTAX");
  expect("a=%", "error SYNTAX");
  expect("%4=b", "error SYNTAX");
  expect("a=%00", "error SYNTAX");
  expect("a%00=b", "error SYNTAX");
  expect("a=%ff", "error UTF8");
  expect("a=%c0%af", "error UTF8");
  expect("%ed%a0%80=b", "error UTF8");
  expect_of("a=%ff", 1000, false, "a=\xff");
}

TEST(one_field_too_many_is_an_error_before_the_rest_is_looked_at) {
  UNUSED;
  expect_of("a=1&b=2", 2, true, "a=1|b=2");
  expect_of("a=1&b=2&c=3&%zz", 2, true, "error TOOBIG");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(fields_are_decoded_in_order),
      RUN(what_cannot_be_decoded_is_an_error),
      RUN(one_field_too_many_is_an_error_before_the_rest_is_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
