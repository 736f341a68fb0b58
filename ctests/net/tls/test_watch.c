/* runtime/net/tls/watch.c: files that change are read again, a pair at a time. */
#include "net/tls/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"
#include "support/tls_pair.h"

static tls_site site;
static rl_tls_watch watch;
static test_certificate one, two;
static char cert_path[64], key_path[64];
static unsigned reloads;
static int code;
static char why[300];

static void on_reload(rl_tls_watch *of, int result, rl_slice words) {
  assert_ptr_equal(of, &watch);
  reloads++;
  code = result;
  snprintf(why, sizeof why, "%.*s", RL_FMT(words));
}

static int setup(void **state) {
  (void)state;
  reloads = 0;
  test_write_pem(cert_path, rl_buf_slice(&one.certificate));
  test_write_pem(key_path, rl_buf_slice(&one.key));
  tls_site_init(&site, &(rl_tls_store_options){0});
  assert_int_equal(rl_tls_store_add(site.store, cert_path, key_path, &site.why), 0);
  rl_tls_watch_start(&watch, &site.loop, site.store);
  watch.on_reload = on_reload;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_tls_watch_stop(&watch);
  rl_tls_watch_stop(&watch); /* once is enough */
  tls_site_free(&site);
  unlink(cert_path), unlink(key_path);
  return 0;
}

TEST(nothing_is_read_while_nothing_changes) {
  UNUSED;
  unsigned version = rl_tls_store_version(site.store);
  for (int i = 0; i < 10; i++) tls_site_pause(&site, RL_TLS_WATCH_MS);
  assert_int_equal(reloads, 0);
  assert_int_equal(rl_tls_store_version(site.store), version);
}

TEST(the_second_file_of_a_pair_has_a_moment_to_come) {
  UNUSED;
  test_write_pem(cert_path, rl_buf_slice(&two.certificate));
  tls_site_pause(&site, RL_TLS_WATCH_MS);
  assert_int_equal(reloads, 0);
  test_write_pem(key_path, rl_buf_slice(&two.key));
  tls_site_pause(&site, RL_TLS_WATCH_QUIET_MS);
  assert_int_equal(reloads, 1);
  assert_int_equal(code, 0);
  assert_string_equal(why, "");
  tls_site_connect(&site, "two.example");
  assert_string_equal(rl_tls_why(&site.pair.client.tls), "");
}

TEST(a_pair_that_is_never_complete_is_told_and_the_old_one_stays) {
  UNUSED;
  test_write_pem(cert_path, rl_buf_slice(&two.certificate));
  tls_site_pause(&site, RL_TLS_WATCH_MS);
  tls_site_pause(&site, RL_TLS_WATCH_QUIET_MS);
  assert_int_equal(reloads, 1);
  assert_int_equal(code, RL_EINVALID);
  assert_non_null(strstr(why, "is not the key of the certificate in"));
  tls_site_connect(&site, "one.example");
  assert_string_equal(rl_tls_why(&site.pair.client.tls), "");
  for (int i = 0; i < 3; i++) tls_site_pause(&site, RL_TLS_WATCH_MS);
  assert_int_equal(reloads, 1); /* it is not read again and again */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(nothing_is_read_while_nothing_changes),
      CASE(the_second_file_of_a_pair_has_a_moment_to_come),
      CASE(a_pair_that_is_never_complete_is_told_and_the_old_one_stays),
  };
  snprintf(cert_path, sizeof cert_path, "/tmp/rille-test-watch-%d.pem", (int)getpid());
  snprintf(key_path, sizeof key_path, "/tmp/rille-test-watch-%d.key", (int)getpid());
  test_certificate_make(&one, &(test_certificate_options){.names = "one.example"});
  test_certificate_make(&two, &(test_certificate_options){.names = "two.example"});
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  test_certificate_free(&one);
  test_certificate_free(&two);
  return failed;
}
