/*
 * The cases of this folder over TLS: the same server, its connection over rl_tls over a stream in memory, asked by a client's rl_tls. The
 * answers are those that a connection without TLS gives, whole and byte by byte. Cases that are about the stream itself (a client that
 * reads no more, short writes) are left to test_wire.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/answers.h"
#include "support/certificates.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_pair.h"
#include "support/wire.h"

enum { CASES_MOST = 2048, BYTEWISE_MOST = 3000 };

static test_certificate pair_of_server;
static const char *ca_file = "test_over_tls-ca.pem";

typedef struct run {
  const wire_case *c;
  bool bytewise;
  test_server server;
  rl_tls_server *tls_server;
  rl_tls_client *tls_client;
  tls_pair pair;
  test_client *client; /* its link is over pair.server */
} run;

static void wrong(const run *r, const char *what, rl_slice got) {
  print_error("ctests/wire/%s\n  %s (over TLS, %s): %.*s\n    tls: %s\n", r->c->name, what,
              r->bytewise ? "byte by byte" : "whole", RL_FMT(got), rl_tls_why(&r->pair.server.tls));
  fail();
}

/* ---- the connection ------------------------------------------------------------------------------------------------------- */

static void settle(run *r) {
  test_server_settle(&r->server);
  tls_pair_run(&r->pair);
  test_server_settle(&r->server);
}

static void pause_for(run *r, uint64_t delay_ms) {
  settle(r);
  test_server_pause(&r->server, delay_ms);
  settle(r);
}

static void make_tls(run *r) {
  rl_buf why;
  rl_tls_store *store;
  rl_buf_init(&why, 1024);
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){.only_1_3 = false}, &why), 0);
  assert_int_equal(
      rl_tls_store_add_text(store, rl_buf_slice(&pair_of_server.certificate), rl_buf_slice(&pair_of_server.key), &why),
      0);
  assert_int_equal(rl_tls_server_new(&r->tls_server, &r->server.loop, store, "http/1.1", &why), 0);
  rl_tls_store_unref(store);
  assert_int_equal(
      rl_tls_client_new(&r->tls_client, &(rl_tls_client_options){.ca = ca_file, .protocols = "http/1.1"}, &why), 0);
  rl_buf_free(&why);
}

/* The connection of a test client without TLS is ended, and one over TLS put in its place. */
static void start(run *r, const wire_case *c, bool bytewise) {
  *r = (run){.c = c, .bytewise = bytewise};
  test_server_init(&r->server);
  make_tls(r);
  tls_pair_init(&r->pair, &r->server.loop, r->tls_server, r->tls_client, "localhost");
  r->client = test_client_connect_over(&r->server, &r->pair.server.tls.stream, &rl_h1_protocol);
  settle(r);
  if (r->pair.client.errors) wrong(r, "no handshake", rl_slice_str(rl_tls_why(&r->pair.client.tls)));
}

static void end(run *r) {
  r->pair.client.tls.stream.ops->close(&r->pair.client.tls.stream, true);
  settle(r);
  if (r->client->link) wrong(r, "the connection stays", RL_SLICE(""));
  r->pair.server.closed = 1; /* told to the connection */
  r->pair.server.tls.stream.ops = NULL;
  r->pair.client.tls.stream.ops = NULL;
  tls_pair_free(&r->pair);
  test_client_free(r->client);
  rl_tls_server_unref(r->tls_server);
  rl_tls_client_unref(r->tls_client);
  test_server_settle(&r->server);
  test_server_free(&r->server);
}

/* ---- what the client does --------------------------------------------------------------------------------------------------- */

/* A server that has closed takes no more: that is the case's answer to check. */
static void say(run *r, rl_slice bytes) {
  rl_stream *stream = &r->pair.client.tls.stream;
  while (bytes.len && !r->pair.client.errors && !r->pair.client.eofs) {
    ssize_t n = rl_stream_write(stream, rl_slice_of(bytes.data, r->bytewise ? 1 : bytes.len));
    settle(r);
    if (n == RL_EAGAIN) break;
    if (n < 0) return;
    rl_slice_skip(&bytes, (size_t)n);
  }
}

static bool take_step(run *r, const wire_step *step) {
  rl_stream *stream = &r->pair.client.tls.stream;
  switch (step->what) {
    case WIRE_BYTES: say(r, rl_buf_slice(&step->bytes)); break;
    case WIRE_PAUSE: pause_for(r, step->number); break;
    case WIRE_EOF: stream->ops->shutdown(stream), settle(r); break;
    case WIRE_LIMIT: wire_set_limit(&r->server.host.limits, step); break;
    case WIRE_STOP:
      if (r->client->link) rl_conn_stop(&r->client->link->conn);
      settle(r);
      break;
    default: return false;
  }
  return true;
}

static bool is_about_the_stream(const wire_case *c) {
  size_t bytes = 0;
  for (size_t i = 0; i < c->step_count; i++) {
    wire_what what = c->steps[i].what;
    if (what == WIRE_STALL || what == WIRE_TAKE || what == WIRE_WRITES || what == WIRE_RESET || what == WIRE_SEES ||
        what == WIRE_UNSEEN)
      return true;
    bytes += c->steps[i].bytes.len;
  }
  return c->ending == WIRE_BROKEN || bytes > 2 << 20;
}

static size_t bytes_of(const wire_case *c) {
  size_t bytes = 0;
  for (size_t i = 0; i < c->step_count; i++) bytes += c->steps[i].bytes.len;
  return bytes;
}

/* ---- checking ----------------------------------------------------------------------------------------------------------------- */

/* /target says the scheme, which is another here. */
static bool is_same_body(rl_slice want, rl_slice got) {
  const char *scheme = want.len ? memmem(want.data, want.len, " http ", 6) : NULL;
  if (!scheme) return rl_slice_eq(want, got);
  size_t before = (size_t)(scheme - want.data) + 5;
  return got.len == want.len + 1 && memcmp(got.data, want.data, before) == 0 && got.data[before] == 's' &&
         memcmp(got.data + before + 1, want.data + before, want.len - before) == 0;
}

static void check_answer(const run *r, const wire_answer *want, rl_slice *rest) {
  seen_answer got;
  if (!rest->len) wrong(r, "an answer is missing", RL_SLICE(""));
  const char *why = seen_answer_next(rest, want->no_body, &got);
  if (why) wrong(r, why, *rest);
  if (got.status != want->status) wrong(r, "another status", got.head);
  if (want->has_body && !is_same_body(rl_buf_slice(&want->body), rl_buf_slice(&got.body)))
    wrong(r, "another body", rl_buf_slice(&got.body));
  if (got.complete == want->cut_off)
    wrong(r, got.complete ? "the body is complete" : "the body is incomplete", RL_SLICE(""));
  rl_buf_free(&got.body);
}

/* A FIN is close_notify first: without it a body that ends with the connection could be cut by anybody. */
static void check_ending(const run *r) {
  bool ended = r->pair.client.eofs > 0;
  if (r->c->ending == WIRE_CLOSED && !ended) wrong(r, "not closed with close_notify", RL_SLICE(""));
  if (r->c->ending != WIRE_CLOSED && ended) wrong(r, "closed", RL_SLICE(""));
  if (r->c->events && strcmp(r->c->events, r->client->events) != 0)
    wrong(r, "other events", rl_slice_str(r->client->events));
}

static void run_case(const wire_case *c, bool bytewise) {
  run r;
  start(&r, c, bytewise);
  for (size_t i = 0; i < c->step_count; i++) assert_true(take_step(&r, &c->steps[i]));
  rl_slice rest = rl_buf_slice(&r.pair.client.text);
  for (size_t i = 0; i < c->answer_count; i++) check_answer(&r, &c->answers[i], &rest);
  if (rest.len) wrong(&r, "more than was expected", rest);
  check_ending(&r);
  end(&r);
}

TEST(over_tls) {
  const wire_case *c = *state_;
  run_case(c, false);
  if (bytes_of(c) <= BYTEWISE_MOST) run_case(c, true);
}

static void write_authority(void) {
  FILE *file = fopen(ca_file, "w");
  rl_slice pem = test_authority_pem();
  if (!file || fwrite(pem.data, 1, pem.len, file) != pem.len || fclose(file)) abort();
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[CASES_MOST];
  size_t count = 0;
  test_certificate_make(&pair_of_server, &(test_certificate_options){.names = "localhost"});
  write_authority();
  wire_case *cases = wire_read_folder(RILLE_SOURCE_DIR "/ctests/wire");
  for (wire_case *c = cases; c && count < CASES_MOST; c = c->next) {
    if ((argc >= 2 && !strstr(c->name, argv[1])) || is_about_the_stream(c)) continue;
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = over_tls, .initial_state = c};
  }
  int failed = count ? _cmocka_run_group_tests("over_tls", tests, count, NULL, NULL) : 1;
  wire_free(cases);
  test_certificate_free(&pair_of_server);
  remove(ca_file);
  return failed;
}
