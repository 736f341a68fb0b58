/*
 * The same rules with and without a wire: each case of this folder goes through a connection and, request by request, through
 * exchanges in process (http/local.h). Statuses and bodies must be the same. Left out are the cases that say `Wire only`
 * (support/wire.h).
 *
 *     test_in_process            all of them
 *     test_in_process TEXT       those whose name holds TEXT
 */
#define _GNU_SOURCE
#include "base/error.h"
#include "http/h1/read.h"
#include "http/local.h"
#include "support/answers.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wire.h"

enum { CASES_MOST = 2048, ANSWERS_MOST = 128 };

typedef struct answer {
  int status;
  rl_buf body;
  bool cut_off;
} answer;

/* All final answers of one way. */
typedef struct way {
  answer answers[ANSWERS_MOST];
  size_t count;
} way;

static answer *add(way *w, int status) {
  assert_true(w->count < ANSWERS_MOST);
  answer *a = &w->answers[w->count++];
  a->status = status;
  rl_buf_init(&a->body, RL_BUF_NO_LIMIT);
  return a;
}

static void free_way(way *w) {
  while (w->count) rl_buf_free(&w->answers[--w->count].body);
}

/* ---- over a connection -------------------------------------------------------------------------------------------------- */

static void set_limits(test_server *server, const wire_case *c) {
  for (size_t i = 0; i < c->step_count; i++)
    if (c->steps[i].what == WIRE_LIMIT) wire_set_limit(&server->host.limits, &c->steps[i]);
}

static void read_answers(const wire_case *c, rl_slice out, way *w) {
  for (size_t i = 0; out.len && i < c->answer_count; i++) {
    seen_answer seen;
    const char *why = seen_answer_next(&out, c->answers[i].no_body, &seen);
    if (why) fail_msg("%s: %s", c->name, why);
    if (seen.status >= 200) {
      answer *a = add(w, seen.status);
      rl_buf_add_slice(&a->body, rl_buf_slice(&seen.body));
      a->cut_off = !seen.complete;
    }
    rl_buf_free(&seen.body);
  }
}

static void ask_connection(const wire_case *c, way *w) {
  test_server server;
  test_server_init(&server);
  set_limits(&server, c);
  test_client *client = test_client_connect(&server);
  for (size_t i = 0; i < c->step_count; i++) {
    if (c->steps[i].what == WIRE_BYTES) test_client_send(client, rl_buf_slice(&c->steps[i].bytes));
    else if (c->steps[i].what == WIRE_PAUSE) test_server_pause(&server, c->steps[i].number);
  }
  read_answers(c, test_client_out(client), w);
  test_client_free(client);
  test_server_free(&server);
}

/* ---- in process --------------------------------------------------------------------------------------------------------- */

typedef struct asker {
  rl_local local;
  test_server *server;
  test_client client; /* for what the handlers note */
  way *way;
  uint64_t pause_ms; /* of the case */
} asker;

static void on_head(rl_local *local, const rl_resp *resp) { add(((asker *)local->owner)->way, resp->status); }
static void on_trailer(rl_local *local, const rl_header *trailer) { (void)local, (void)trailer; }

static const rl_local_events local_events = {.on_head = on_head, .on_trailer = on_trailer};

static void handle(void *ud, rl_req *req) {
  test_server *server = ((asker *)ud)->server;
  server->dispatch.handler.handle(&server->dispatch.handler, req);
}

/* Reads the response as fast as it comes. */
static void take(asker *a) {
  rl_buf *received = &a->local.received;
  while (received->len) {
    if (a->way->count) rl_buf_add_slice(&a->way->answers[a->way->count - 1].body, rl_buf_slice(received));
    rl_local_taken(&a->local, received->len);
    test_server_settle(a->server);
  }
}

/* One request: its head, and what has come of its body. */
static void ask(asker *a, rl_slice head, rl_slice body, bool complete) {
  size_t before = a->way->count;
  memset(&a->local, 0, sizeof a->local);
  a->local.events = &local_events;
  a->local.owner = a;
  a->server->in_process = &a->client;
  rl_local_start(&a->local, &a->server->loop, &a->server->host.limits, head, false, handle, a);
  if (body.len || complete) assert_int_equal(rl_local_send(&a->local, body, complete), 0);
  test_server_settle(a->server);
  take(a);
  test_server_pause(a->server, a->pause_ms);
  take(a);
  if (a->way->count > before) a->way->answers[a->way->count - 1].cut_off = a->local.aborted;
  rl_local_free(&a->local);
  test_server_settle(a->server);
}

/* Cuts bytes into requests with the reader of a connection, whose limits are out of the way. */
typedef struct cutter {
  rl_h1_reader reader;
  rl_req *req; /* whose body is under way */
  rl_slice head;
  rl_buf body;
} cutter;

/* A request is complete: asks it. */
static void ask_whole(asker *a, cutter *k) {
  ask(a, k->head, rl_buf_slice(&k->body), true);
  rl_buf_clear(&k->body);
  rl_req_free(k->req);
  k->req = NULL;
}

/* Returns false once nothing more can be cut. */
static bool cut_one(asker *a, cutter *k, rl_slice *bytes) {
  rl_slice before = *bytes;
  rl_h1_event event = rl_h1_next(&k->reader, bytes);
  if (event == RL_H1_HEAD) {
    k->req = k->reader.head;
    k->req->body_limit = UINT64_MAX;
    k->head = rl_slice_of(before.data, before.len - bytes->len);
  } else if (event == RL_H1_BODY) {
    rl_buf_add_slice(&k->body, k->reader.piece);
  }
  if (event == RL_H1_END || (event == RL_H1_HEAD && k->req->body_done)) ask_whole(a, k);
  bool over = event == RL_H1_FAULT || event == RL_H1_MORE;
  if (!k->req) k->head = over ? before : *bytes;
  return !over;
}

/* Asks each request; what the reader takes for a wrong head, or half of one, is asked as it stands. */
static void ask_each(asker *a, rl_slice bytes) {
  enum { ANY = 1 << 30 };
  static const rl_limits most = {.request_line = ANY, .field = ANY, .fields_size = ANY, .fields = ANY};
  cutter k = {.head = bytes};
  rl_buf_init(&k.body, RL_BUF_NO_LIMIT);
  rl_h1_reader_init(&k.reader, &most, &a->server->loop.chunks);
  while ((bytes.len || rl_h1_has_news(&k.reader)) && cut_one(a, &k, &bytes)) {
  }
  if (k.req) {
    ask(a, k.head, rl_buf_slice(&k.body), false);
    rl_req_free(k.req);
  } else if (k.head.len) {
    ask(a, k.head, RL_SLICE_NONE, false);
  }
  rl_h1_reader_free(&k.reader);
  rl_buf_free(&k.body);
}

static void ask_in_process(const wire_case *c, way *w) {
  test_server server;
  rl_buf bytes;
  test_server_init(&server);
  set_limits(&server, c);
  asker a = {.server = &server, .way = w};
  rl_buf_init(&bytes, RL_BUF_NO_LIMIT);
  for (size_t i = 0; i < c->step_count; i++) {
    if (c->steps[i].what == WIRE_BYTES) rl_buf_add_slice(&bytes, rl_buf_slice(&c->steps[i].bytes));
    else if (c->steps[i].what == WIRE_PAUSE) a.pause_ms += c->steps[i].number;
  }
  ask_each(&a, rl_buf_slice(&bytes));
  rl_buf_free(&bytes);
  test_server_free(&server);
}

/* ---- beside each other -------------------------------------------------------------------------------------------------- */

static void print_way(const char *name, const way *w) {
  print_error("\n    %s:", name);
  for (size_t i = 0; i < w->count; i++) {
    rl_slice body = rl_buf_slice(&w->answers[i].body);
    print_error("  %d%s %.*s", w->answers[i].status, w->answers[i].cut_off ? " cut off" : "",
                (int)(body.len < 60 ? body.len : 60), body.len ? body.data : "");
  }
}

static void differ(const wire_case *c, const char *what, const way *wire, const way *local) {
  print_error("ctests/wire/%s\n  %s", c->name, what);
  print_way("wire", wire);
  print_way("in process", local);
  fail();
}

TEST(the_answers_are_the_same) {
  const wire_case *c = *state_;
  static way wire, local; /* of a case that has failed before, too */
  free_way(&wire);
  free_way(&local);
  ask_connection(c, &wire);
  ask_in_process(c, &local);
  if (wire.count != local.count) differ(c, "another number of answers", &wire, &local);
  for (size_t i = 0; i < wire.count; i++) {
    const answer *a = &wire.answers[i], *b = &local.answers[i];
    if (a->status != b->status) differ(c, "another status", &wire, &local);
    if (a->cut_off != b->cut_off) differ(c, "one is complete", &wire, &local);
    if (!a->cut_off && !rl_slice_eq(rl_buf_slice(&a->body), rl_buf_slice(&b->body)))
      differ(c, "another body", &wire, &local);
  }
  free_way(&wire);
  free_way(&local);
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[CASES_MOST];
  size_t count = 0;
  wire_case *cases = wire_read_folder(RILLE_SOURCE_DIR "/ctests/wire");
  for (wire_case *c = cases; c && count < CASES_MOST; c = c->next) {
    if (c->wire_only || (argc >= 2 && !strstr(c->name, argv[1]))) continue;
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = the_answers_are_the_same, .initial_state = c};
  }
  int failed = count ? _cmocka_run_group_tests("in process", tests, count, NULL, NULL) : 1;
  wire_free(cases);
  return failed;
}
