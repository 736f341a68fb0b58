/* The shared part of an HTTP/2 connection; see connection.h. */
#include "http/h2/connection.h"

#include "base/error.h"
#include "base/log.h"

static rl_loop *loop_of(const rl_h2 *h2) { return h2->conn->host->loop; }
static uint64_t now_of(const rl_h2 *h2) { return rl_loop_now(loop_of(h2)); }

void rl_h2_work_soon(rl_h2 *h2) {
  if (!h2->working) rl_loop_post(loop_of(h2), &h2->work, h2->on_work);
}

void rl_h2_check(rl_h2 *h2, int code) {
  if (!nghttp2_is_fatal(code)) return;
  if (!h2->broken) h2->broken = code == NGHTTP2_ERR_NOMEM ? RL_ENOMEM : RL_EPROTOCOL;
  rl_h2_work_soon(h2);
}

/* ---- floods --------------------------------------------------------------------------------------------------------------------- */

/* Once a minute for each kind, with the number of those that were not told. */
static void log_flood(const rl_h2 *h2, rl_h2_flood flood) {
  enum { PAUSE_MS = 60000 };
  static _Thread_local struct { int64_t told_ms, others; } kinds[RL_H2_FLOOD_COUNT];
  int64_t now = rl_loop_time(loop_of(h2)), last = kinds[flood].told_ms;
  if (last && now >= last && now - last < PAUSE_MS) {
    kinds[flood].others++;
    return;
  }
  const rl_log_field fields[] = {RL_LOG_TEXT_FIELD("kind", rl_slice_str(rl_h2_flood_text(flood))),
                                 RL_LOG_TEXT_FIELD("peer", h2->conn->peer),
                                 RL_LOG_NUMBER_FIELD("others", kinds[flood].others)};
  rl_log(RL_LOG_WARN, RL_SLICE("an HTTP/2 connection was ended: it floods"), fields, kinds[flood].others ? 3 : 2);
  kinds[flood].told_ms = now;
  kinds[flood].others = 0;
}

void rl_h2_calm(rl_h2 *h2, rl_h2_flood flood) {
  if (h2->ending) return;
  h2->ending = true;
  log_flood(h2, flood);
  rl_h2_check(h2, nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM));
  rl_h2_work_soon(h2);
}

/* ---- output -------------------------------------------------------------------------------------------------------------------- */

static bool may_enter(const rl_h2 *h2) { return !h2->inside && !h2->broken && h2->conn->state == RL_CONN_OPEN; }

bool rl_h2_can_pump(const rl_h2 *h2) { return may_enter(h2) && rl_conn_queued(h2->conn) < RL_LIMIT_WRITE_HIGH; }

void rl_h2_pump(rl_h2 *h2) {
  if (!may_enter(h2)) return;
  rl_conn *conn = h2->conn;
  const uint8_t *frame;
  ssize_t n = 0;
  h2->inside = true;
  while (!h2->broken && (rl_conn_queued(conn) < RL_LIMIT_WRITE_HIGH || h2->head_waits)) {
    n = nghttp2_session_mem_send(h2->session, &frame);
    if (n <= 0) break;
    rl_buf_add(rl_conn_out(conn), frame, (size_t)n);
  }
  h2->inside = false;
  rl_h2_check(h2, (int)n);
  if (rl_conn_queued(conn) >= RL_LIMIT_WRITE_HIGH) rl_conn_want_drained(conn);
  if (rl_conn_queued(conn)) rl_conn_flush_soon(conn);
}

/* ---- the clock, and the end in peace ------------------------------------------------------------------------------------------- */

void rl_h2_due(rl_h2 *h2, uint64_t delay_ms) {
  uint64_t at = now_of(h2) + delay_ms;
  if (h2->clock.at && h2->clock.at <= at) return;
  h2->clock.at = at;
  rl_conn_clock(h2->conn, delay_ms ? delay_ms : 1);
}

void rl_h2_shut(rl_h2 *h2) {
  if (h2->goaway) return;
  h2->goaway = RL_H2_GOAWAY_NOTICE;
  h2->clock.notice_ms = now_of(h2);
  rl_h2_check(h2, nghttp2_submit_shutdown_notice(h2->session));
  rl_h2_check(h2, nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL));
  rl_h2_due(h2, RL_LIMIT_H2_NOTICE_MS);
  rl_h2_work_soon(h2);
}

void rl_h2_shut_now(rl_h2 *h2) {
  if (h2->goaway == RL_H2_GOAWAY_FINAL) return;
  h2->goaway = RL_H2_GOAWAY_FINAL;
  rl_h2_check(
      h2, nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h2->session),
                                NGHTTP2_NO_ERROR, NULL, 0));
  rl_h2_work_soon(h2);
}
