#include "http/cookie.h"

#include "base/buf.h"
#include "support/test.h"

static void expect(const char *header, const char *expected) {
  rl_slice rest = rl_slice_str(header), name, value;
  rl_buf log;
  rl_buf_init(&log, RL_BUF_NO_LIMIT);
  while (rl_cookie_next(&rest, &name, &value))
    rl_buf_addf(&log, "%s%.*s=%.*s", log.len ? "|" : "", RL_FMT(name), RL_FMT(value));
  assert_slice(rl_buf_slice(&log), expected);
  rl_buf_free(&log);
}

TEST(pairs_come_in_order_with_blanks_trimmed) {
  UNUSED;
  expect("", "");
  expect("a=1", "a=1");
  expect("a=1; b=2;c=3 ;\td=4", "a=1|b=2|c=3|d=4");
  expect("a=1; a=2", "a=1|a=2");
  expect("a=b=c; d=", "a=b=c|d=");
  expect("[x]=1", "[x]=1");
}

TEST(values_are_bytes_and_quotes_are_part_of_them) {
  UNUSED;
  expect("a=\"x\"; b=\"y;z\"", "a=\"x\"|b=\"y");
  expect("a=%20; b=\xff", "a=%20|b=\xff");
}

TEST(what_is_no_pair_is_skipped) {
  UNUSED;
  expect("=v; a; ; b=1", "b=1");
  expect("a b=1; c\td=2; e=3", "e=3");
  expect(";;;;", "");
}

TEST(prefixes_are_known_in_any_case) {
  UNUSED;
  assert_true(rl_cookie_is_prefixed(RL_SLICE("__Host-rille")));
  assert_true(rl_cookie_is_prefixed(RL_SLICE("__host-x")));
  assert_true(rl_cookie_is_prefixed(RL_SLICE("__Secure-x")));
  assert_false(rl_cookie_is_prefixed(RL_SLICE("rille")));
  assert_false(rl_cookie_is_prefixed(RL_SLICE("__Host")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(pairs_come_in_order_with_blanks_trimmed),
      RUN(values_are_bytes_and_quotes_are_part_of_them),
      RUN(what_is_no_pair_is_skipped),
      RUN(prefixes_are_known_in_any_case),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
