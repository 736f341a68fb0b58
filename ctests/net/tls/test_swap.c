/* runtime/net/tls/: a thousand new certificates while connections come and talk. Nothing is lost. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"
#include "support/tls_pair.h"

enum { SWAPS = 1000, KEPT = 8 };

static tls_site site;
static tls_pair kept[KEPT];
static test_certificate pairs[2];
static char cert_path[64], key_path[64];
static atomic_int swaps, failures;

static void write_pair(const test_certificate *one) {
  char fresh[80];
  snprintf(fresh, sizeof fresh, "%s.new", cert_path);
  test_write_pem(fresh, rl_buf_slice(&one->certificate));
  rename(fresh, cert_path);
  snprintf(fresh, sizeof fresh, "%s.new", key_path);
  test_write_pem(fresh, rl_buf_slice(&one->key));
  rename(fresh, key_path);
}

static void *swap(void *unused) {
  (void)unused;
  for (int i = 0; i < SWAPS; i++) {
    rl_buf why;
    rl_buf_init(&why, 1000);
    write_pair(&pairs[i % 2]);
    if (rl_tls_store_reload(site.store, &why)) failures++;
    rl_buf_free(&why);
    swaps++;
  }
  return NULL;
}

static void talk(tls_pair *pair) {
  pair->server.text.len = pair->client.text.len = 0;
  tls_end_say(pair, &pair->client, RL_SLICE("request"));
  tls_end_say(pair, &pair->server, RL_SLICE("answer"));
  assert_slice(rl_buf_slice(&pair->server.text), "request");
  assert_slice(rl_buf_slice(&pair->client.text), "answer");
}

static void connect_and_talk(tls_pair *pair) {
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  tls_pair_run(pair);
  assert_string_equal(rl_tls_why(&pair->client.tls), "");
  talk(pair);
}

TEST(a_thousand_swaps_lose_nothing) {
  UNUSED;
  pthread_t thread;
  unsigned connections = 0;
  for (int i = 0; i < KEPT; i++) connect_and_talk(&kept[i]);
  assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
  for (int done = 0; done < SWAPS; connections++) {
    done = swaps;
    connect_and_talk(&site.pair);
    tls_pair_free(&site.pair);
    talk(&kept[connections % KEPT]);
    rl_loop_advance_to(&site.loop, rl_loop_now(&site.loop) + 1); /* so many handshakes are for more than a second */
  }
  pthread_join(thread, NULL);
  assert_int_equal(failures, 0);
  assert_true(connections > 1);
  for (int i = 0; i < KEPT; i++) tls_pair_free(&kept[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_thousand_swaps_lose_nothing)};
  snprintf(cert_path, sizeof cert_path, "/tmp/rille-test-swap-%d.pem", (int)getpid());
  snprintf(key_path, sizeof key_path, "/tmp/rille-test-swap-%d.key", (int)getpid());
  for (int i = 0; i < 2; i++) test_certificate_make(&pairs[i], &(test_certificate_options){.names = "a.example"});
  write_pair(&pairs[0]);
  tls_site_init(&site, &(rl_tls_store_options){0});
  if (rl_tls_store_add(site.store, cert_path, key_path, &site.why)) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_site_free(&site);
  for (int i = 0; i < 2; i++) test_certificate_free(&pairs[i]);
  unlink(cert_path), unlink(key_path);
  return failed;
}
