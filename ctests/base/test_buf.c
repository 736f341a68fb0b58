#include "base/buf.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

TEST(appends_and_keeps_order) {
  UNUSED;
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_buf_add_str(&buf, "GET "), 0);
  assert_int_equal(rl_buf_add_u64(&buf, 18446744073709551615u), 0);
  assert_int_equal(rl_buf_addf(&buf, " %s-%d", "x", -7), 0);
  assert_slice(rl_buf_slice(&buf), "GET 18446744073709551615 x--7");
  rl_buf_free(&buf);
}

TEST(refuses_what_exceeds_its_limit_and_keeps_the_rest) {
  UNUSED;
  rl_buf buf;
  rl_buf_init(&buf, 8);
  assert_int_equal(rl_buf_add_str(&buf, "12345678"), 0);
  assert_int_equal(rl_buf_add_char(&buf, '9'), RL_ETOOBIG);
  assert_slice(rl_buf_slice(&buf), "12345678");
  assert_int_equal(buf.error, RL_ETOOBIG);
  rl_buf_clear(&buf);
  assert_int_equal(buf.error, 0);
  rl_buf_free(&buf);
}

TEST(remembers_the_first_failure) {
  UNUSED;
  rl_buf buf;
  rl_buf_init(&buf, 1 << 20);
  rl_alloc_fail_at(1, false);
  assert_int_equal(rl_buf_add_str(&buf, "lost"), RL_ENOMEM);
  rl_alloc_fail_at(0, false);
  assert_int_equal(rl_buf_add_str(&buf, "kept"), 0);
  assert_int_equal(buf.error, RL_ENOMEM);
  assert_slice(rl_buf_slice(&buf), "kept");
  rl_buf_free(&buf);
}

TEST(consume_drops_from_the_front) {
  UNUSED;
  rl_buf buf;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&buf, "headbody");
  rl_buf_consume(&buf, 4);
  assert_slice(rl_buf_slice(&buf), "body");
  rl_buf_consume(&buf, 4);
  assert_int_equal(buf.len, 0);
  rl_buf_free(&buf);
}

TEST(take_hands_the_bytes_over) {
  UNUSED;
  rl_buf buf;
  size_t len;
  rl_buf_init(&buf, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&buf, "mine");
  char *data = rl_buf_take(&buf, &len);
  assert_int_equal(len, 4);
  assert_memory_equal(data, "mine", 4);
  assert_null(buf.data);
  rl_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(appends_and_keeps_order),     RUN(refuses_what_exceeds_its_limit_and_keeps_the_rest),
      RUN(remembers_the_first_failure), RUN(consume_drops_from_the_front),
      RUN(take_hands_the_bytes_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
