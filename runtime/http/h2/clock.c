/* The waits of a connection; see clock.h. */
#include "http/h2/clock.h"

#include "base/error.h"
#include "http/h2/stream.h"

static uint64_t now_of(const rl_h2 *h2) { return rl_loop_now(h2->conn->host->loop); }
static const rl_limits *limits_of(const rl_h2 *h2) { return &h2->conn->host->limits; }

void rl_h2_clock_start(rl_h2 *h2) {
  h2->clock.idle_ms = h2->clock.settings_ms = h2->clock.sent_ms = now_of(h2);
  rl_h2_due(h2, limits_of(h2)->head_ms);
}

/* ---- the end in peace ------------------------------------------------------------------------------------------------------------ */

void rl_h2_clock_ping(rl_h2 *h2) {
  if (h2->goaway == RL_H2_GOAWAY_NOTICE) rl_h2_shut_now(h2);
}

void rl_h2_clock_settings(rl_h2 *h2) { h2->clock.settings_ms = 0; }

/* ---- what has begun -------------------------------------------------------------------------------------------------------------- */

static void note(rl_h2 *h2, uint64_t *since, bool waits, uint64_t most_ms) {
  if (!waits) *since = 0;
  else if (!*since) *since = now_of(h2), rl_h2_due(h2, most_ms);
}

/* Between two requests; before the first a client is as slow as with a head. */
static uint64_t idle_most(const rl_h2 *h2) {
  return h2->served ? limits_of(h2)->keep_alive_ms : limits_of(h2)->head_ms;
}

void rl_h2_clock_note(rl_h2 *h2) {
  note(h2, &h2->clock.idle_ms, rl_list_empty(&h2->streams), idle_most(h2));
  note(h2, &h2->clock.head_ms, rl_h2_guard_in_head(&h2->guard), limits_of(h2)->head_ms);
  note(h2, &h2->clock.eof_ms, h2->conn->eof, RL_LIMIT_HALF_CLOSE_MS);
}

/* ---- what is over ---------------------------------------------------------------------------------------------------------------- */

/* Returns true if it has waited long enough; else notes when that will be. */
static bool is_over(uint64_t since, uint64_t most_ms, uint64_t now, uint64_t *next) {
  if (!since) return false;
  if (now >= since + most_ms) return true;
  if (since + most_ms < *next) *next = since + most_ms;
  return false;
}

static void end(rl_h2 *h2, uint32_t code) {
  rl_h2_check(h2, nghttp2_session_terminate_session(h2->session, code));
  rl_h2_work_soon(h2);
}

static void look_at_connection(rl_h2 *h2, uint64_t now, uint64_t *next) {
  const rl_limits *limits = limits_of(h2);
  rl_h2_clock *c = &h2->clock;
  if (is_over(c->head_ms, limits->head_ms, now, next)) {
    end(h2, NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (is_over(c->eof_ms, RL_LIMIT_HALF_CLOSE_MS, now, next)) {
    h2->broken = RL_ERESET;
    rl_h2_work_soon(h2);
  } else if (is_over(c->notice_ms, RL_LIMIT_H2_NOTICE_MS, now, next)) {
    rl_h2_shut_now(h2);
  } else if (is_over(c->idle_ms, idle_most(h2), now, next)) {
    if (h2->served) rl_h2_shut(h2);
    else if (rl_h2_guard_has_begun(&h2->guard)) rl_h2_shut_now(h2);
    else rl_conn_finish(h2->conn, RL_LINGER_BRIEFLY);
  } else if (is_over(c->settings_ms, limits->head_ms, now, next)) {
    end(h2, NGHTTP2_SETTINGS_TIMEOUT);
  }
}

static void look_at_streams(rl_h2 *h2, uint64_t now, uint64_t *next) {
  unsigned stalled = 0, streams = 0;
  bool shut = nghttp2_session_get_remote_window_size(h2->session) <= 0;
  RL_LIST_EACH(&h2->streams, node) {
    rl_h2_stream *s = RL_CONTAINER(node, rl_h2_stream, node);
    uint64_t most = limits_of(h2)->write_stall_ms;
    streams++;
    rl_h2_stream_pace(s, now, next);
    if (!rl_h2_stream_waits(s)) continue;
    if (is_over(s->moved_ms, most, now, next)) {
      bool is_stalled = shut ? now >= h2->clock.sent_ms + most : rl_h2_stream_is_shut(s);
      if (is_stalled) stalled++, rl_h2_stream_give_up(s, RL_ETIMEOUT);
      else *next = *next < now + most ? *next : now + most;
    }
  }
  if (stalled && stalled == streams) rl_h2_calm(h2, RL_H2_FLOOD_STALL);
}

void rl_h2_clock_fire(rl_h2 *h2) {
  uint64_t now = now_of(h2), next = UINT64_MAX;
  h2->clock.at = 0;
  look_at_connection(h2, now, &next);
  look_at_streams(h2, now, &next);
  if (next != UINT64_MAX) rl_h2_due(h2, next - now);
}
