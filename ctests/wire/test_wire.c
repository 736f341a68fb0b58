/*
 * Runs the cases of this folder (support/wire.h) against the whole server over a stream in memory.
 *
 * Each case runs many times: its bytes whole, one by one, and cut at random points, with writes whole and short; alone and
 * with a valid request after it. The verdict must be the same every time, and the request after it is answered where the
 * case ends `open` and never where it ends `closed`.
 *
 * Then it runs with faults: every allocation fails in turn, alone and with all after it; every write fails in turn; the client
 * breaks the connection off after every so many bytes. The answer does not matter then, only that nothing is left
 * and that the next client is served.
 *
 *     test_wire            all of them
 *     test_wire TEXT       those whose name holds TEXT
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <strings.h>

#include "support/answers.h"
#include "support/test.h"
#include "support/wire_player.h"

enum { CASES_MOST = 2048, RANDOM_RUNS = 6 };

/* What follows the bytes of a case. */
enum { ALONE, BEHIND, AFTER };

typedef struct run {
  wire_player *player;
  const wire_case *c;
  int follow; /* ALONE … */
} run;

static const rl_slice follower = {"GET / HTTP/1.1\r\nHost: after\r\n\r\n", 31};

/* ---- what went wrong ------------------------------------------------------------------------------------------------------ */

static void print_bytes(rl_slice s) {
  for (size_t i = 0; i < s.len && i < 2000; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\n') print_error("\\n\n      ");
    else if (c == '\r') print_error("\\r");
    else if (c < 0x20 || c > 0x7E) print_error("\\x%02x", c);
    else print_error("%c", c);
  }
  print_error(s.len > 2000 ? "...\n" : "\n");
}

static void wrong(run *r, const char *what, rl_slice got) {
  print_error("ctests/wire/%s\n  %s (%s)\n    got:  ", r->c->name, what, r->player->variant.name);
  print_bytes(got);
  print_error("    sent: ");
  print_bytes(test_client_out(r->player->client));
  print_error("    events: %s\n", r->player->client->events);
  fail();
}

/* ---- sending --------------------------------------------------------------------------------------------------------------- */

static void check_seen(run *r, rl_slice text, bool wanted) {
  rl_slice out = test_client_out(r->player->client);
  bool seen = out.len && memmem(out.data, out.len, text.data, text.len);
  if (seen != wanted) wrong(r, wanted ? "not seen by then" : "seen too early", text);
}

static void take_step(run *r, const wire_step *step) {
  if (!wire_player_take(r->player, step)) check_seen(r, rl_buf_slice(&step->bytes), step->what == WIRE_SEES);
}

/* The last bytes of a case and the request after them in one piece. */
static void send_with_follower(run *r, const wire_step *step) {
  rl_buf both;
  rl_buf_init(&both, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&both, rl_buf_slice(&step->bytes));
  rl_buf_add_slice(&both, follower);
  wire_player_send(r->player, rl_buf_slice(&both));
  rl_buf_free(&both);
}

static void send_all(run *r) {
  const wire_case *c = r->c;
  for (size_t i = 0; i < c->step_count; i++) {
    if (r->follow == BEHIND && i + 1 == c->step_count) send_with_follower(r, &c->steps[i]);
    else take_step(r, &c->steps[i]);
  }
  if (r->follow == AFTER) wire_player_send(r->player, follower);
}

/* ---- checking ------------------------------------------------------------------------------------------------------------- */

static void check_fields(run *r, const wire_answer *want, const seen_answer *got) {
  for (size_t i = 0; i < want->field_count; i++) {
    const char *name = want->fields[i].name, *value = want->fields[i].value;
    rl_slice seen = RL_SLICE_NONE;
    size_t count = seen_answer_field(got, name, &seen);
    if (!value && count) wrong(r, name, seen);
    if (value && (count != 1 || !rl_slice_eq(seen, rl_slice_str(value)))) wrong(r, name, seen);
  }
}

/* Every answer of ours is dated, and an error of the protocol says in one line what it is. */
static void check_manners(run *r, const seen_answer *got) {
  if (got->status >= 200 && seen_answer_field(got, "date", NULL) != 1) wrong(r, "no Date", got->head);
}

static void check_answer(run *r, const wire_answer *want, rl_slice *rest) {
  seen_answer got;
  if (!rest->len) wrong(r, "an answer is missing", *rest);
  const char *why = seen_answer_next(rest, want->no_body, &got);
  if (why) wrong(r, why, *rest);
  if (got.status != want->status) wrong(r, "another status", rl_buf_slice(&got.body));
  check_fields(r, want, &got);
  check_manners(r, &got);
  if (want->has_body && !rl_slice_eq(rl_buf_slice(&got.body), rl_buf_slice(&want->body)))
    wrong(r, "another body", rl_buf_slice(&got.body));
  if (got.complete == want->cut_off)
    wrong(r, got.complete ? "the body is complete" : "the body is incomplete", rl_buf_slice(&got.body));
  rl_buf_free(&got.body);
}

static void check_follower(run *r, rl_slice *rest) {
  static const wire_answer hello = {.status = 200};
  if (r->follow != ALONE && r->c->ending == WIRE_OPEN) check_answer(r, &hello, rest);
}

static void check_ending(run *r) {
  const mem_stream *s = &r->player->client->stream;
  bool closed = s->shut || s->closed;
  wire_ending ending = r->c->ending;
  rl_slice none = RL_SLICE("");
  if (ending == WIRE_BROKEN && !s->reset) wrong(r, "not reset", none);
  if (ending == WIRE_CLOSED && (!closed || s->reset)) wrong(r, closed ? "reset" : "not closed", none);
  if ((ending == WIRE_OPEN || ending == WIRE_WAITING) && closed) wrong(r, "closed", none);
}

static void check_events(run *r) {
  if (!r->c->events) return;
  char want[512];
  bool more = r->follow != ALONE && r->c->ending == WIRE_OPEN;
  snprintf(want, sizeof want, "%s%s", r->c->events, more ? *r->c->events ? ", /" : "/" : "");
  if (strcmp(want, r->player->client->events) != 0) wrong(r, "other events", rl_slice_str(r->player->client->events));
}

/* A lingering connection does not stay: whatever the client does, it is gone soon. */
static void check_gone(run *r) {
  if (!r->player->client->stream.shut || !r->player->client->link) return;
  test_server_pause(&r->player->server, r->player->server.host.limits.linger_ms + 1);
  if (r->player->client->link) wrong(r, "lingers for ever", RL_SLICE(""));
}

static void run_variant(const wire_case *c, const wire_variant *v, int follow) {
  wire_player player;
  run r = {.player = &player, .c = c, .follow = follow};
  wire_player_start(&player, test_client_connect, v);
  send_all(&r);
  rl_slice rest = test_client_out(player.client);
  for (size_t i = 0; i < c->answer_count; i++) check_answer(&r, &c->answers[i], &rest);
  check_follower(&r, &rest);
  if (rest.len) wrong(&r, "more than was expected", rest);
  check_ending(&r);
  check_events(&r);
  check_gone(&r);
  wire_player_end(&player);
}

/* ---- the runs of one case ----------------------------------------------------------------------------------------------- */

/* The bytes that may follow the case: nothing where the client has ended, or is in the middle of a message. */
static bool may_follow(const wire_case *c, int follow) {
  wire_what last = c->steps[c->step_count - 1].what;
  bool ended = last == WIRE_EOF || last == WIRE_RESET || last == WIRE_STALL || last == WIRE_STOP;
  if (follow == ALONE) return true;
  if (c->ending == WIRE_WAITING || c->ending == WIRE_BROKEN || ended) return false;
  return follow == AFTER || last == WIRE_BYTES;
}

TEST(wire) {
  const wire_case *c = *state_;
  for (int follow = ALONE; follow <= AFTER; follow++) {
    if (!may_follow(c, follow)) continue;
    run_variant(c, &(wire_variant){.name = "whole"}, follow);
    run_variant(c, &(wire_variant){.name = "byte by byte", .piece = 1}, follow);
    for (uint64_t seed = 1; seed <= RANDOM_RUNS; seed++) {
      size_t piece = (size_t[]){7, 40, 200, 1500, 20000, 65536}[seed - 1];
      run_variant(c, &(wire_variant){.name = "random pieces", .piece = piece, .seed = seed}, follow);
    }
  }
}

/* ---- faults -------------------------------------------------------------------------------------------------------------- */

/* What was sent is an answer or nothing. */
static void check_end(wire_player *player, void *c) {
  run r = {.player = player, .c = c};
  rl_slice out = test_client_out(player->client);
  size_t len = out.len < 9 ? out.len : 9;
  if (len && memcmp(out.data, "HTTP/1.1 ", len) != 0) wrong(&r, "no answer", out);
}

static void check_next(wire_player *player, void *c) {
  run r = {.player = player, .c = c};
  test_client_send(player->client, follower);
  if (!rl_slice_starts(test_client_out(player->client), RL_SLICE("HTTP/1.1 200 ")))
    wrong(&r, "the next client is not served", test_client_out(player->client));
}

TEST(faults) {
  wire_case *c = *state_;
  wire_fault_checks checks = {.on_end = check_end, .on_next = check_next, .ud = c};
  wire_play_faults(c->steps, c->step_count, test_client_connect, &checks);
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
  static struct CMUnitTest tests[2 * CASES_MOST];
  size_t count = 0;
  wire_case *cases = wire_read_folder(RILLE_SOURCE_DIR "/ctests/wire");
  for (wire_case *c = cases; c && count < 2 * CASES_MOST; c = c->next) {
    if (argc >= 2 && !strstr(c->name, argv[1])) continue;
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = wire, .initial_state = c};
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = faults, .initial_state = c};
  }
  int failed = count ? _cmocka_run_group_tests("wire", tests, count, NULL, NULL) : 1;
  wire_free(cases);
  return failed;
}
