/* runtime/net/tls/buffers.c: the last connections keep their buffers, each is counted once. */
#include "net/tls/buffers.h"

#include <openssl/ssl.h>

#include "crypto/openssl.h"
#include "support/test.h"

enum { MANY = RL_TLS_BUFFERS + 10 };

static rl_tls_buffers buffers;
static rl_tls_buffered all[MANY];
static SSL_CTX *context;

static int setup(void **state) {
  (void)state;
  const char *why;
  if (rl_openssl_load(&why)) return -1;
  context = SSL_CTX_new(TLS_server_method());
  rl_tls_buffers_init(&buffers);
  memset(all, 0, sizeof all);
  for (int i = 0; i < MANY; i++) all[i].ssl = SSL_new(context);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++) {
    rl_tls_buffers_drop(&buffers, &all[i]);
    SSL_free(all[i].ssl);
  }
  SSL_CTX_free(context);
  assert_int_equal(buffers.count, 0);
  return 0;
}

static bool keeps(int i) { return all[i].node.next && !rl_list_empty(&all[i].node); }

TEST(only_the_last_ones_keep_theirs) {
  UNUSED;
  for (int i = 0; i < MANY; i++) rl_tls_buffers_touch(&buffers, &all[i]);
  assert_int_equal(buffers.count, RL_TLS_BUFFERS);
  for (int i = 0; i < MANY; i++) assert_int_equal(keeps(i), i >= MANY - RL_TLS_BUFFERS);
}

TEST(one_that_is_used_again_is_the_last) {
  UNUSED;
  for (int i = 0; i < RL_TLS_BUFFERS; i++) rl_tls_buffers_touch(&buffers, &all[i]);
  rl_tls_buffers_touch(&buffers, &all[0]);
  rl_tls_buffers_touch(&buffers, &all[0]);
  rl_tls_buffers_touch(&buffers, &all[RL_TLS_BUFFERS]);
  assert_true(keeps(0));
  assert_false(keeps(1));
  assert_int_equal(buffers.count, RL_TLS_BUFFERS);
}

TEST(one_may_leave_at_any_time) {
  UNUSED;
  rl_tls_buffers_drop(&buffers, &all[0]);
  rl_tls_buffers_touch(&buffers, &all[0]);
  rl_tls_buffers_touch(&buffers, &all[1]);
  rl_tls_buffers_drop(&buffers, &all[0]);
  rl_tls_buffers_drop(&buffers, &all[0]);
  assert_int_equal(buffers.count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(only_the_last_ones_keep_theirs),
      CASE(one_that_is_used_again_is_the_last),
      CASE(one_may_leave_at_any_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
