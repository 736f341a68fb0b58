/*
 * Runs the cases of this folder (support/wire2.h) against the whole server over a stream in memory, as HTTP/2 with prior
 * knowledge. Among them are those of h2spec (generic, http2, hpack), told anew.
 *
 * Each case runs many times: its bytes whole, one by one, and cut at random points, with writes whole and short. What comes back
 * must be the same every time. Then it runs with faults: every allocation fails in turn, alone and with all after it; every write
 * fails in turn; the client breaks off after every so many bytes. The answer does not matter then, only that nothing is left and
 * that the next client is served.
 *
 * Whatever a case is about, all frames that come back are checked: the first is SETTINGS, blocks of fields can be decoded, heads
 * are those that RFC 9113 section 8 allows, and nothing follows a GOAWAY with an error.
 *
 *     test_wire2           all of them
 *     test_wire2 TEXT      those whose name holds TEXT
 */
#define _GNU_SOURCE
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "support/frames.h"
#include "support/test.h"
#include "support/wire2.h"
#include "support/wire_player.h"

enum { CASES_MOST = 2048, RANDOM_RUNS = 6, STREAMS = 256, FIELDS = 64, PINGS = 64 };

typedef struct seen_field {
  char name[64], value[256];
  enum { HEAD, TRAILER, HINT } where;
} seen_field;

/* What came back on one stream. */
typedef struct seen_stream {
  uint32_t id;
  int status;
  seen_field fields[FIELDS];
  size_t field_count;
  rl_buf body;
  bool ended, was_reset;
  uint32_t code, first_data;
  bool has_data;
} seen_stream;

typedef struct run {
  wire_player *player;
  const wire2_case *c;

  nghttp2_hd_inflater *inflater;
  seen_stream *streams;
  size_t stream_count;
  rl_slice settings, pings[PINGS];
  size_t ping_count, settings_acks;
  bool has_settings, has_goaway;
  uint32_t goaway_code, goaway_last;
  rl_buf block; /* of fields, while it is read */
} run;

/* ---- what went wrong ------------------------------------------------------------------------------------------------------ */

static void print_seen(const run *r) {
  for (size_t i = 0; i < r->stream_count; i++) {
    const seen_stream *s = &r->streams[i];
    print_error("    stream %u: status %d, %zu bytes%s", s->id, s->status, s->body.len, s->ended ? ", ended" : "");
    print_error(s->was_reset ? ", reset %s\n" : "\n", frames_code_name(s->code));
  }
  if (r->has_goaway) print_error("    goaway %s, last %u\n", frames_code_name(r->goaway_code), r->goaway_last);
  print_error("    settings acks %zu, pings %zu, %s\n", r->settings_acks, r->ping_count,
              r->player->client->stream.reset    ? "reset"
              : r->player->client->stream.shut   ? "shut"
              : r->player->client->stream.closed ? "closed"
                                                 : "open");
}

static void wrong(const run *r, const char *what, rl_slice detail) {
  print_error("ctests/wire2/%s\n  %s (%s): %.*s\n", r->c->name, what, r->player->variant.name, RL_FMT(detail));
  print_seen(r);
  print_error("    events: %s\n", r->player->client->events);
  fail();
}

/* ---- reading what came back ------------------------------------------------------------------------------------------------ */

static seen_stream *stream_of(run *r, uint32_t id) {
  for (size_t i = 0; i < r->stream_count; i++)
    if (r->streams[i].id == id) return &r->streams[i];
  if (r->stream_count == STREAMS) wrong(r, "too many streams", RL_SLICE(""));
  seen_stream *s = &r->streams[r->stream_count++];
  *s = (seen_stream){.id = id};
  rl_buf_init(&s->body, RL_BUF_NO_LIMIT);
  return s;
}

static void check_name(const run *r, const char *name, bool first) {
  static const char *const hop[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
  if (*name == ':' && (!first || strcmp(name, ":status") != 0))
    wrong(r, "a pseudo field out of place", rl_slice_str(name));
  for (const char *c = name; *c; c++)
    if (*c >= 'A' && *c <= 'Z') wrong(r, "an upper-case name", rl_slice_str(name));
  for (size_t i = 0; i < sizeof hop / sizeof *hop; i++)
    if (strcmp(name, hop[i]) == 0) wrong(r, "a field of the connection", rl_slice_str(name));
}

static void note_field(run *r, seen_stream *s, const nghttp2_nv *nv, int where, bool first) {
  if (s->field_count == FIELDS) wrong(r, "too many fields", RL_SLICE(""));
  seen_field *f = &s->fields[s->field_count];
  snprintf(f->name, sizeof f->name, "%.*s", (int)nv->namelen, (const char *)nv->name);
  snprintf(f->value, sizeof f->value, "%.*s", (int)nv->valuelen, (const char *)nv->value);
  check_name(r, f->name, first);
  if (*f->name == ':') {
    s->status = atoi(f->value);
    return;
  }
  f->where = where;
  s->field_count++;
}

static void check_date(const run *r, const seen_stream *s) {
  int dates = 0;
  for (size_t i = 0; i < s->field_count; i++)
    dates += s->fields[i].where == HEAD && strcmp(s->fields[i].name, "date") == 0;
  if (dates != 1) wrong(r, "not one Date", RL_SLICE(""));
}

/* A 1xx comes before the head, a second block after the head is the trailers. */
static void read_block(run *r, seen_stream *s, bool ends) {
  bool trailers = s->status >= 200, first = true;
  size_t from = s->field_count;
  rl_slice in = rl_buf_slice(&r->block);
  for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL); first = first && !(flags & NGHTTP2_HD_INFLATE_EMIT)) {
    nghttp2_nv nv;
    flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, (const uint8_t *)in.data, in.len, 1);
    if (used < 0) wrong(r, "a block of fields that cannot be decoded", RL_SLICE(""));
    in = rl_slice_of(in.data + used, in.len - (size_t)used);
    if (flags & NGHTTP2_HD_INFLATE_EMIT) note_field(r, s, &nv, trailers ? TRAILER : HEAD, first && !trailers);
    else if (!(flags & NGHTTP2_HD_INFLATE_FINAL) && !in.len) wrong(r, "a block of fields is cut off", RL_SLICE(""));
  }
  nghttp2_hd_inflate_end_headers(r->inflater);
  rl_buf_clear(&r->block);
  if (!s->status) wrong(r, "a head without :status", RL_SLICE(""));
  if (trailers && !ends) wrong(r, "trailers that do not end the stream", RL_SLICE(""));
  if (s->status < 200)
    for (size_t i = from; i < s->field_count; i++) s->fields[i].where = HINT;
  else if (!trailers) check_date(r, s);
}

static void read_headers(run *r, const frame *f) {
  seen_stream *s = stream_of(r, f->stream);
  if (f->flags & (FRAMES_PADDED | FRAMES_PRIORITY_FLAG)) wrong(r, "padding or priority", RL_SLICE(""));
  if (s->ended || s->was_reset) wrong(r, "a head after the end", RL_SLICE(""));
  rl_buf_add_slice(&r->block, f->body);
  if (f->type == FRAMES_HEADERS && f->flags & FRAMES_END_STREAM) s->ended = true;
  if (f->flags & FRAMES_END_HEADERS) read_block(r, s, s->ended);
}

static void read_data(run *r, const frame *f) {
  seen_stream *s = stream_of(r, f->stream);
  if (s->status < 200 || s->ended || s->was_reset) wrong(r, "data out of place", RL_SLICE(""));
  rl_buf_add_slice(&s->body, f->body);
  if (!s->has_data) s->first_data = (uint32_t)f->body.len;
  s->has_data = true;
  s->ended = f->flags & FRAMES_END_STREAM;
}

static void read_frame(run *r, const frame *f) {
  if (!r->has_settings && (f->type != FRAMES_SETTINGS || f->flags))
    wrong(r, "the first frame is not SETTINGS", RL_SLICE(""));
  if (r->has_goaway && r->goaway_code) wrong(r, "a frame after GOAWAY", RL_SLICE(""));
  if (r->block.len && f->type != FRAMES_CONTINUATION) wrong(r, "a frame within a block of fields", RL_SLICE(""));
  switch (f->type) {
    case FRAMES_SETTINGS:
      if (f->flags) r->settings_acks++;
      else r->settings = f->body, r->has_settings = true;
      break;
    case FRAMES_PING:
      if (f->flags && r->ping_count < PINGS) r->pings[r->ping_count++] = f->body;
      break;
    case FRAMES_HEADERS:
    case FRAMES_CONTINUATION: read_headers(r, f); break;
    case FRAMES_DATA: read_data(r, f); break;
    case FRAMES_RST_STREAM: {
      seen_stream *s = stream_of(r, f->stream);
      if (s->was_reset) wrong(r, "reset twice", RL_SLICE(""));
      s->was_reset = true;
      s->code = frames_number(f->body, 0);
      break;
    }
    case FRAMES_GOAWAY:
      r->has_goaway = true;
      r->goaway_last = frames_number(f->body, 0);
      r->goaway_code = frames_number(f->body, 4);
      break;
    case FRAMES_WINDOW_UPDATE: break;
    default: wrong(r, "a frame that a server does not send", RL_SLICE(""));
  }
}

static void read_all(run *r) {
  rl_slice in = test_client_out(r->player->client);
  frame f;
  if (nghttp2_hd_inflate_new(&r->inflater)) abort();
  r->streams = calloc(STREAMS, sizeof *r->streams);
  rl_buf_init(&r->block, RL_BUF_NO_LIMIT);
  while (frames_next(&in, &f)) read_frame(r, &f);
  if (in.len) wrong(r, "half a frame", in);
}

static void free_seen(run *r) {
  for (size_t i = 0; i < r->stream_count; i++) rl_buf_free(&r->streams[i].body);
  free(r->streams);
  rl_buf_free(&r->block);
  nghttp2_hd_inflate_del(r->inflater);
}

/* ---- comparing -------------------------------------------------------------------------------------------------------------- */

static const char *value_of(const seen_stream *s, const char *name, int where, size_t *count) {
  const char *value = "";
  *count = 0;
  for (size_t i = 0; i < s->field_count; i++) {
    if ((int)s->fields[i].where != where || strcmp(s->fields[i].name, name) != 0) continue;
    value = s->fields[i].value;
    ++*count;
  }
  return value;
}

static void check_details(const run *r, const wire2_want *want, const seen_stream *s) {
  static const int where[] = {[WIRE2_HAS] = HEAD, [WIRE2_LACKS] = HEAD, [WIRE2_TRAILER] = TRAILER, [WIRE2_HINT] = HINT};
  for (size_t i = 0; i < want->field_count; i++) {
    size_t count;
    const char *name = want->fields[i].name, *value = value_of(s, name, where[want->fields[i].kind], &count);
    if (want->fields[i].kind == WIRE2_LACKS) {
      if (count) wrong(r, name, rl_slice_str(value));
    } else if (count != 1 || strcmp(value, want->fields[i].value) != 0) {
      wrong(r, name, rl_slice_str(value));
    }
  }
}

static void check_response(run *r, const wire2_want *want) {
  seen_stream *s = stream_of(r, want->stream);
  char status[16];
  snprintf(status, sizeof status, "%u: %d", s->id, s->status);
  if (s->status != (int)want->number) wrong(r, "another status", rl_slice_str(status));
  check_details(r, want, s);
  if (want->has_body && !rl_slice_eq(rl_buf_slice(&s->body), rl_buf_slice(&want->text)))
    wrong(r, "another body", rl_buf_slice(&s->body));
  if (s->ended == want->incomplete) wrong(r, s->ended ? "it is complete" : "it is incomplete", rl_slice_str(status));
}

static void check_settings(const run *r, const wire2_want *want) {
  for (size_t at = 0; at + 6 <= r->settings.len; at += 6)
    if (frames_number(r->settings, at) >> 16 == want->setting && frames_number(r->settings, at + 2) == want->number)
      return;
  wrong(r, "no such setting", RL_SLICE(""));
}

static void check_ping(const run *r, const wire2_want *want) {
  for (size_t i = 0; i < r->ping_count; i++)
    if (rl_slice_eq(r->pings[i], rl_buf_slice(&want->text))) return;
  wrong(r, "no such PING", rl_buf_slice(&want->text));
}

static bool has_code(uint32_t codes, uint32_t code) { return code < 32 && codes >> code & 1; }

static void check_want(run *r, const wire2_want *want) {
  switch (want->kind) {
    case WIRE2_SETTINGS: check_settings(r, want); break;
    case WIRE2_SETTINGS_ACK:
      if (!r->settings_acks) wrong(r, "SETTINGS were not acknowledged", RL_SLICE(""));
      break;
    case WIRE2_PING: check_ping(r, want); break;
    case WIRE2_RESPONSE: check_response(r, want); break;
    case WIRE2_DATA:
      if (!stream_of(r, want->stream)->has_data || stream_of(r, want->stream)->first_data != want->number)
        wrong(r, "another first DATA frame", RL_SLICE(""));
      break;
    case WIRE2_RESET:
      if (!stream_of(r, want->stream)->was_reset || !has_code(want->codes, stream_of(r, want->stream)->code))
        wrong(r, "not reset as expected", rl_slice_str(frames_code_name(stream_of(r, want->stream)->code)));
      break;
    case WIRE2_NOTHING: break;
    case WIRE2_GOAWAY:
      if (!r->has_goaway || !has_code(want->codes, r->goaway_code)) wrong(r, "another GOAWAY", RL_SLICE(""));
      if (want->stream != UINT32_MAX && want->stream != r->goaway_last) wrong(r, "another last stream", RL_SLICE(""));
      break;
  }
}

static bool is_wanted(const run *r, wire2_want_kind kind, uint32_t stream) {
  for (size_t i = 0; i < r->c->want_count; i++)
    if (r->c->wants[i].kind == kind && (kind == WIRE2_GOAWAY || r->c->wants[i].stream == stream)) return true;
  return false;
}

/* What no line names must not have come. */
static void check_rest(run *r) {
  for (size_t i = 0; i < r->stream_count; i++) {
    const seen_stream *s = &r->streams[i];
    char id[16];
    snprintf(id, sizeof id, "%u", s->id);
    if (s->status && !is_wanted(r, WIRE2_RESPONSE, s->id)) wrong(r, "a response on a stream", rl_slice_str(id));
    if (s->was_reset && !is_wanted(r, WIRE2_RESET, s->id)) wrong(r, "a reset of stream", rl_slice_str(id));
  }
  if (r->has_goaway && !is_wanted(r, WIRE2_GOAWAY, 0))
    wrong(r, "a GOAWAY", rl_slice_str(frames_code_name(r->goaway_code)));
}

static void check_ending(const run *r) {
  const mem_stream *s = &r->player->client->stream;
  bool closed = s->shut || s->closed;
  if (r->c->ending == WIRE_BROKEN && !s->reset) wrong(r, "not reset", RL_SLICE(""));
  if (r->c->ending == WIRE_CLOSED && (!closed || s->reset)) wrong(r, closed ? "reset" : "not closed", RL_SLICE(""));
  if (r->c->ending == WIRE_OPEN && closed) wrong(r, "closed", RL_SLICE(""));
  if (r->c->events && strcmp(r->c->events, r->player->client->events) != 0)
    wrong(r, "other events", rl_slice_str(r->player->client->events));
}

static void run_variant(const wire2_case *c, const wire_variant *v) {
  wire_player player;
  run r = {.player = &player, .c = c};
  wire_player_start(&player, test_client_connect_h2, v);
  for (size_t i = 0; i < c->step_count; i++)
    if (!wire_player_take(&player, &c->steps[i])) fail_msg("%s: no step of HTTP/2", c->name);
  read_all(&r);
  for (size_t i = 0; i < c->want_count; i++) check_want(&r, &c->wants[i]);
  check_rest(&r);
  check_ending(&r);
  free_seen(&r);
  wire_player_end(&player);
}

TEST(wire2) {
  const wire2_case *c = *state_;
  run_variant(c, &(wire_variant){.name = "whole"});
  run_variant(c, &(wire_variant){.name = "byte by byte", .piece = 1});
  for (uint64_t seed = 1; seed <= RANDOM_RUNS; seed++)
    run_variant(c,
                &(wire_variant){
                    .name = "random pieces", .piece = (size_t[]){3, 12, 40, 200, 5000, 65536}[seed - 1], .seed = seed});
}

/* ---- faults -------------------------------------------------------------------------------------------------------------- */

static rl_slice whole_request(rl_buf *out) {
  rl_buf block;
  rl_buf_init(out, RL_BUF_NO_LIMIT);
  rl_buf_init(&block, RL_BUF_NO_LIMIT);
  rl_buf_add_str(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  frames_add(out, FRAMES_SETTINGS, 0, 0, RL_SLICE(""));
  frames_request(&block, "GET", "/");
  frames_add(out, FRAMES_HEADERS, FRAMES_END_STREAM | FRAMES_END_HEADERS, 1, rl_buf_slice(&block));
  rl_buf_free(&block);
  return rl_buf_slice(out);
}

static void check_next(wire_player *player, void *c) {
  run r = {.player = player, .c = c};
  rl_buf request;
  test_client_send(player->client, whole_request(&request));
  read_all(&r);
  if (stream_of(&r, 1)->status != 200) wrong(&r, "the next client is not served", RL_SLICE(""));
  free_seen(&r);
  rl_buf_free(&request);
}

TEST(faults) {
  wire2_case *c = *state_;
  wire_play_faults(c->steps, c->step_count, test_client_connect_h2,
                   &(wire_fault_checks){.on_next = check_next, .ud = c});
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
  static struct CMUnitTest tests[2 * CASES_MOST];
  size_t count = 0;
  wire2_case *cases = wire2_read_folder(RILLE_SOURCE_DIR "/ctests/wire2");
  for (wire2_case *c = cases; c && count < 2 * CASES_MOST; c = c->next) {
    if (argc >= 2 && !strstr(c->name, argv[1])) continue;
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = wire2, .initial_state = c};
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = faults, .initial_state = c};
  }
  int failed = count ? _cmocka_run_group_tests("wire2", tests, count, NULL, NULL) : 1;
  wire2_free(cases);
  return failed;
}
