/* runtime/net/tls/: what happens when memory ends, at each allocation of ours and of OpenSSL's; and what an idle connection holds. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/tls/tls.h"
#include "support/test.h"
#include "support/tls_pair.h"

/* ---- memory of OpenSSL ------------------------------------------------------------------------------------------------------- */

static long counted, failing; /* the so-many-th from now on fails; 0: none */
static size_t held;

static bool fails(void) { return failing && ++counted == failing; }

static void *take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  void *block = fails() ? NULL : malloc(size);
  if (block) held += malloc_usable_size(block);
  return block;
}

static void *take_again(void *block, size_t size, const char *file, int line) {
  (void)file, (void)line;
  if (fails()) return NULL;
  size_t before = block ? malloc_usable_size(block) : 0;
  void *moved = realloc(block, size);
  if (moved) held += malloc_usable_size(moved) - before;
  return moved;
}

static void give(void *block, const char *file, int line) {
  (void)file, (void)line;
  held -= block ? malloc_usable_size(block) : 0;
  free(block);
}

/* ---- a conversation ------------------------------------------------------------------------------------------------------------ */

static tls_site site;

static int setup(void **state) {
  (void)state;
  tls_site_init(&site, &(rl_tls_store_options){0});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_site_free(&site);
  return 0;
}

/* From the accept to the end; it may fail anywhere. Returns true if it did not. */
static bool converse(void) {
  tls_pair *pair = &site.pair;
  tls_end *server = &pair->server, *client = &pair->client;
  tls_pair_free(pair);
  tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
  if (!client->tls.stream.ops) return false;
  tls_pair_run(pair);
  bool good = rl_stream_write(&client->tls.stream, RL_SLICE("ping")) == 4;
  tls_pair_run(pair);
  good = good && rl_stream_write(&server->tls.stream, RL_SLICE("pong")) == 4;
  tls_pair_run(pair);
  client->tls.stream.ops->shutdown(&client->tls.stream);
  tls_pair_run(pair);
  server->tls.stream.ops->close(&server->tls.stream, false);
  client->tls.stream.ops->close(&client->tls.stream, false);
  tls_pair_run(pair);
  assert_int_equal(server->closed, 1);
  assert_int_equal(client->closed, 1);
  return good && server->text.len == 4 && client->text.len == 4;
}

/* Afterwards everything works as before. */
TEST(an_allocation_of_ours_may_fail) {
  UNUSED;
  assert_true(converse());
  for (long nth = 1, count = 1; nth <= count; nth++) {
    rl_alloc_fail_at(nth, false);
    converse();
    count = rl_alloc_fail_at(0, false);
  }
  assert_true(converse());
}

TEST(an_allocation_of_openssl_may_fail) {
  UNUSED;
  unsigned failures = 0;
  bool first = true;
  for (long nth = 1; nth < 100000; nth += nth < 200 ? 1 : 7) {
    if (first || nth % 5 == 0) rl_tls_store_reload(site.store, &site.why); /* the context is made anew too */
    first = false;
    counted = 0;
    failing = nth;
    bool good = converse();
    long seen = counted;
    failing = 0;
    failures += !good;
    if (seen < nth) break;
  }
  assert_true(failures > 50);
  assert_true(converse());
}

/* ---- what an idle connection holds ------------------------------------------------------------------------------------------------ */

enum { IDLE = 200 + RL_TLS_BUFFERS, IDLE_MOST = 18 << 10 };

TEST(an_idle_connection_holds_little) {
  UNUSED;
  static tls_pair pairs[IDLE];
  assert_true(converse());
  tls_pair_free(&site.pair);
  size_t before = 0, of_clients = 0;
  for (int i = 0; i < IDLE; i++) {
    if (i == RL_TLS_BUFFERS) before = held; /* so many may keep what the others do not */
    tls_pair *pair = &pairs[i];
    tls_pair_init(pair, &site.loop, site.server, site.client, "a.example");
    tls_pair_run(pair);
    tls_end_say(pair, &pair->client, RL_SLICE("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    tls_end_say(pair, &pair->server, RL_SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    size_t with_client = held;
    pair->client.tls.stream.ops->close(&pair->client.tls.stream, true);
    uv_run(&site.loop.uv, UV_RUN_NOWAIT);
    mem_stream_free(&pair->server.below), mem_stream_free(&pair->client.below);
    rl_buf_free(&pair->server.text), rl_buf_free(&pair->client.text);
    pair->server.below.out_len = pair->server.below.out_cap = pair->client.below.out_len = pair->client.below.out_cap =
        0;
    of_clients += with_client - held;
  }
  size_t each = (held - before) / (IDLE - RL_TLS_BUFFERS) + sizeof(rl_tls);
  print_message("an idle connection holds %zu bytes (and the client's end %zu)\n", each, of_clients / IDLE);
  assert_in_range(each, 1000, IDLE_MOST);
  for (int i = 0; i < IDLE; i++) {
    pairs[i].server.carried = pairs[i].client.carried = 0;
    tls_pair_free(&pairs[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(an_idle_connection_holds_little),
      CASE(an_allocation_of_ours_may_fail),
      CASE(an_allocation_of_openssl_may_fail),
  };
  if (!CRYPTO_set_mem_functions(take, take_again, give)) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
