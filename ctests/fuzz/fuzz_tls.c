/*
 * A server with TLS over a stream in memory, before and after the handshake. The first byte of the input says when it comes:
 *
 *     0   instead of a client           its bytes are all that the server ever hears
 *     N   in a connection of two ends   the input is laid over what the client sends, from byte (N - 1) * 16 on
 *
 * Whole and byte by byte the server comes to the same end: it waits, it has failed, or it has heard the same bytes. Nothing is left.
 */
#include "base/error.h"
#include "fuzz/fuzz.h"
#include "support/tls_pair.h"

typedef struct verdict {
  int code;
  bool eof;
  rl_buf text;
} verdict;

static void keep(tls_end *end, verdict *out) {
  *out = (verdict){end->code, end->eofs > 0, end->text};
  rl_buf_init(&end->text, RL_BUF_NO_LIMIT);
}

static void run_alone(tls_site *site, rl_slice input, size_t piece, verdict *out) {
  tls_end *server = &site->pair.server;
  tls_pair_init(&site->pair, &site->loop, site->server, NULL, NULL);
  while (input.len) {
    rl_slice one;
    char *copy = fuzz_cut(&input, piece, NULL, &one);
    mem_stream_feed(&server->below, one);
    tls_pair_run(&site->pair);
    free(copy);
  }
  tls_site_pause(site, 60000);
  HOLDS(server->errors == 1 && server->text.len == 0);
  keep(server, out);
  tls_pair_free(&site->pair);
}

/* A connection that nobody disturbs leaves a session, so the next one resumes it and its hello is always of one size. */
static void warm_up(tls_site *site) {
  tls_site_pause(site, 1000); /* so many a second only */
  tls_site_connect(site, "a.example");
  HOLDS(site->pair.client.code == 0);
  tls_pair_free(&site->pair);
}

static void run_inside(tls_site *site, rl_slice input, size_t from, size_t piece, verdict *out) {
  tls_pair *pair = &site->pair;
  warm_up(site);
  tls_pair_init(pair, &site->loop, site->server, site->client, "a.example");
  pair->piece = piece;
  pair->noise = input;
  pair->noise_at = from;
  tls_pair_run(pair);
  for (int i = 0; i < 5; i++) { /* written outside of a run, these come as they are, after what was changed */
    rl_stream_write(&pair->client.tls.stream, RL_SLICE("request"));
    tls_pair_run(pair);
  }
  HOLDS(pair->server.text.len % 7 == 0); /* changed bytes never come through */
  keep(&pair->server, out);
  tls_pair_free(pair);
}

static void compare(const verdict *a, const verdict *b) {
  HOLDS(a->code == b->code);
  HOLDS(a->eof == b->eof);
  HOLDS(rl_slice_eq(rl_buf_slice(&a->text), rl_buf_slice(&b->text)));
}

static tls_site *the_site(void) {
  static tls_site site;
  static bool made;
  if (made) return &site;
  made = true;
  tls_site_init(&site, &(rl_tls_store_options){0});
  tls_site_add(&site, &(test_certificate_options){.names = "a.example"});
  return &site;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tls_site *site = the_site();
  verdict whole, cut;
  if (!size) return 0;
  rl_slice input = fuzz_slice(data + 1, size - 1);
  if (!data[0]) {
    run_alone(site, input, 0, &whole);
    run_alone(site, input, 1, &cut);
    compare(&whole, &cut);
  } else {
    run_inside(site, input, (size_t)(data[0] - 1) * 16, 0, &whole);
    run_inside(site, input, (size_t)(data[0] - 1) * 16, 7, &cut);
    compare(&whole, &cut);
  }
  rl_buf_free(&whole.text);
  rl_buf_free(&cut.text);
  return 0;
}
