/* Playing wire tests, with and without faults; see wire_player.h. */
#include "support/wire_player.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

enum { BYTEWISE_MOST = 20000, FAULTS_MOST = 64, CUTS_MOST = 2000 };

/* xorshift64*: the same cuts each time a seed is used. */
static uint64_t draw(wire_player *p) {
  p->random ^= p->random >> 12;
  p->random ^= p->random << 25;
  p->random ^= p->random >> 27;
  return p->random * UINT64_C(2685821657736338717);
}

void wire_player_start(wire_player *p, wire_connect *connect, const wire_variant *variant) {
  p->variant = *variant;
  p->random = variant->seed;
  test_server_init(&p->server);
  p->client = connect(&p->server);
  if (!variant->seed) return;
  p->client->stream.most = 1 + draw(p) % 4096;
  p->client->stream.refusals = 1000;
  p->client->stream.late_eof = variant->seed & 1;
  p->client->stream.no_files = variant->seed & 2;
}

void wire_player_end(wire_player *p) {
  test_client_free(p->client);
  test_server_free(&p->server);
}

void wire_player_send(wire_player *p, rl_slice bytes) {
  size_t most = p->variant.piece ? p->variant.piece : bytes.len + 1;
  if (bytes.len / most > BYTEWISE_MOST) most = bytes.len / BYTEWISE_MOST;
  while (bytes.len) {
    size_t size = p->variant.seed ? 1 + draw(p) % most : most;
    if (size > bytes.len) size = bytes.len;
    test_client_send(p->client, rl_slice_of(bytes.data, size));
    rl_slice_skip(&bytes, size);
  }
}

bool wire_player_take(wire_player *p, const wire_step *step) {
  switch (step->what) {
    case WIRE_BYTES: wire_player_send(p, rl_buf_slice(&step->bytes)); break;
    case WIRE_PAUSE: test_server_pause(&p->server, step->number); break;
    case WIRE_EOF: test_client_eof(p->client); break;
    case WIRE_RESET: test_client_break(p->client); break;
    case WIRE_STALL: p->client->stream.room = 0; break;
    case WIRE_TAKE: test_client_take(p->client, step->number); break;
    case WIRE_WRITES: p->client->stream.most = step->number; break;
    case WIRE_LIMIT: wire_set_limit(&p->server.host.limits, step); break;
    case WIRE_STOP:
      if (p->client->link) rl_conn_stop(&p->client->link->conn);
      test_server_settle(&p->server);
      break;
    case WIRE_SEES:
    case WIRE_UNSEEN: return false;
  }
  return true;
}

/* ---- faults ---------------------------------------------------------------------------------------------------------------- */

typedef struct faulty {
  const wire_step *steps;
  size_t count;
  wire_connect *connect;
  const wire_fault_checks *checks;
  wire_player player;
} faulty;

static void play(faulty *f) {
  for (size_t i = 0; i < f->count; i++) wire_player_take(&f->player, &f->steps[i]);
}

/* Whatever happened: all is given back, and whoever comes next is served. */
static void end(faulty *f) {
  wire_player *p = &f->player;
  if (f->checks->on_end) f->checks->on_end(p, f->checks->ud);
  test_client_free(p->client);
  test_server_check(&p->server);
  p->server.host.limits = rl_limits_default;
  p->client = f->connect(&p->server);
  f->checks->on_next(p, f->checks->ud);
  wire_player_end(p);
}

/* Returns whether there were so many allocations. */
static bool fail_allocation(faulty *f, long nth, bool forever) {
  wire_player_start(&f->player, f->connect,
                    &(wire_variant){.name = forever ? "no memory" : "an allocation fails", .piece = 1500});
  rl_alloc_fail_at(nth, forever);
  play(f);
  bool reached = rl_alloc_fail_at(0, false) >= nth;
  end(f);
  return reached;
}

static bool fail_write(faulty *f, unsigned nth) {
  wire_player_start(&f->player, f->connect, &(wire_variant){.name = "a write fails"});
  mem_stream *stream = &f->player.client->stream;
  stream->most = 100;
  stream->good_writes = nth;
  stream->write_error = RL_ERESET;
  play(f);
  bool reached = stream->good_writes == 0;
  end(f);
  return reached;
}

/* The client is gone after `count` bytes. Returns true if there are more. */
static bool cut_off(faulty *f, size_t count) {
  bool more = false;
  wire_player_start(&f->player, f->connect, &(wire_variant){.name = "cut off"});
  for (size_t i = 0; i < f->count && !more; i++) {
    rl_slice bytes = rl_buf_slice(&f->steps[i].bytes);
    if (f->steps[i].what == WIRE_BYTES) {
      more = bytes.len > count;
      wire_player_send(&f->player, rl_slice_of(bytes.data, more ? count : bytes.len));
      count -= more ? 0 : bytes.len;
    } else if (f->steps[i].what == WIRE_PAUSE) {
      wire_player_take(&f->player, &f->steps[i]);
    }
  }
  end(f);
  return more;
}

void wire_play_faults(const wire_step *steps, size_t count, wire_connect *connect, const wire_fault_checks *checks) {
  faulty f = {.steps = steps, .count = count, .connect = connect, .checks = checks};
  for (long nth = 1; nth <= FAULTS_MOST && fail_allocation(&f, nth, false); nth++) fail_allocation(&f, nth, true);
  for (unsigned nth = 0; nth <= FAULTS_MOST && fail_write(&f, nth); nth++) {
  }
  for (size_t bytes = 1; bytes <= CUTS_MOST && cut_off(&f, bytes); bytes += bytes / 8 + 1) {
  }
}
