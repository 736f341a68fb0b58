/* runtime/net/tls/tls.c: the contract of a stream, both roles, over streams in memory. */
#include "net/tls/tls.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "support/certificates.h"
#include "support/test.h"
#include "support/tls_pair.h"

static rl_loop loop;
static rl_tls_store *store;
static rl_tls_server *server;
static rl_tls_client *client;
static tls_pair pair;
static rl_buf why;

static char ca_file[] = "/tmp/rille-test-ca-XXXXXX";

static void write_authority(void) {
  int fd = mkstemp(ca_file);
  rl_slice pem = test_authority_pem();
  assert_int_equal(write(fd, pem.data, pem.len), pem.len);
  close(fd);
}

static void add_certificate(const test_certificate_options *options) {
  test_certificate one;
  test_certificate_make(&one, options);
  assert_int_equal(rl_tls_store_add_text(store, rl_buf_slice(&one.certificate), rl_buf_slice(&one.key), &why), 0);
  test_certificate_free(&one);
}

static int setup(void **state) {
  (void)state;
  rl_buf_init(&why, 1000);
  if (rl_loop_init(&loop)) return -1;
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){0}, &why), 0);
  add_certificate(&(test_certificate_options){.names = "a.example"});
  assert_int_equal(rl_tls_server_new(&server, &loop, store, "h2,http/1.1", &why), 0);
  assert_int_equal(rl_tls_client_new(&client, &(rl_tls_client_options){.ca = ca_file, .protocols = "http/1.1"}, &why),
                   0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_pair_free(&pair);
  rl_tls_server_unref(server);
  rl_tls_client_unref(client);
  rl_tls_store_unref(store);
  rl_buf_free(&why);
  return rl_loop_free(&loop);
}

static void connect_ends(void) {
  tls_pair_init(&pair, &loop, server, client, "a.example");
  tls_pair_run(&pair);
}

TEST(bytes_flow_both_ways_after_the_handshake) {
  UNUSED;
  connect_ends();
  assert_string_equal(rl_tls_why(&pair.client.tls), "");
  tls_end_say(&pair, &pair.client, RL_SLICE("ping"));
  tls_end_say(&pair, &pair.server, RL_SLICE("pong"));
  assert_slice(rl_buf_slice(&pair.server.text), "ping");
  assert_slice(rl_buf_slice(&pair.client.text), "pong");
}

TEST(what_was_agreed_on_is_told) {
  UNUSED;
  connect_ends();
  assert_true(pair.server.tls.stream.secure);
  assert_slice(pair.server.tls.stream.security->protocol, "http/1.1");
  assert_slice(pair.client.tls.stream.security->protocol, "http/1.1");
  assert_slice(pair.server.tls.stream.security->server_name, "a.example");
  assert_null(pair.server.tls.stream.security->certificate);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(bytes_flow_both_ways_after_the_handshake),
      CASE(what_was_agreed_on_is_told),
  };
  write_authority();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(ca_file);
  return failed;
}
