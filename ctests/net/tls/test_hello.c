/* runtime/net/tls/hello.c: what the first bytes of a client are. */
#include "net/tls/hello.h"

#include "base/limits.h"
#include "support/test.h"

static rl_tls_hello look(const char *bytes, size_t len) { return rl_tls_hello_look(rl_slice_of(bytes, len)); }
#define LOOK(literal) look(literal, sizeof(literal) - 1)

TEST(a_record_with_a_hello_is_waited_for_to_its_end) {
  UNUSED;
  static const char record[5 + 200] = "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03";
  for (size_t len = 1; len < sizeof record; len++) assert_int_equal(look(record, len), RL_TLS_HELLO_PART);
  assert_int_equal(look(record, sizeof record), RL_TLS_HELLO_WHOLE);
}

/* Some clients send it so, to be read by no one on the way. */
TEST(a_hello_may_go_on_in_the_next_record) {
  UNUSED;
  assert_int_equal(LOOK("\x16\x03\x01\x00\x05\x01\x00\x00\xc4\x03"), RL_TLS_HELLO_WHOLE);
}

TEST(text_is_plain) {
  UNUSED;
  assert_int_equal(LOOK("G"), RL_TLS_HELLO_PLAIN);
  assert_int_equal(LOOK("get / HTTP/1.1\r\n"), RL_TLS_HELLO_PLAIN);
}

TEST(all_else_is_bad) {
  UNUSED;
  assert_int_equal(LOOK("\x80\x2e\x01\x00\x02"), RL_TLS_HELLO_BAD);
  assert_int_equal(LOOK("\x15\x03\x01\x00\x02\x02\x28"), RL_TLS_HELLO_BAD);
  assert_int_equal(LOOK("\x16\x02\x01\x00\x10\x01\x00\x00\x0c"), RL_TLS_HELLO_BAD);
  assert_int_equal(LOOK("\x16\x03\x01\x40\x01\x01\x00\x00\x10"), RL_TLS_HELLO_BAD);
  assert_int_equal(LOOK("\x16\x03\x01\x00\x03\x01\x00\x00\x10"), RL_TLS_HELLO_BAD);
  assert_int_equal(LOOK("\x16\x03\x01\x02\x00\x02\x00\x00\x10"), RL_TLS_HELLO_BAD);
}

TEST(a_hello_has_its_limit) {
  UNUSED;
  assert_int_equal(RL_LIMIT_TLS_HELLO, 0x4000);
  assert_int_equal(LOOK("\x16\x03\x01\x40\x00\x01\x00\x40\x00"), RL_TLS_HELLO_PART);
  assert_int_equal(LOOK("\x16\x03\x01\x40\x00\x01\x00\x40\x01"), RL_TLS_HELLO_BAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_record_with_a_hello_is_waited_for_to_its_end),
                                     RUN(a_hello_may_go_on_in_the_next_record), RUN(text_is_plain),
                                     RUN(all_else_is_bad), RUN(a_hello_has_its_limit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
