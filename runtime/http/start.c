/* HTTP/1 or HTTP/2; see start.h. */
#include "http/start.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h1/h1.h"
#include "http/h1/write.h"
#include "http/h2/h2.h"

static const rl_slice preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

typedef struct start {
  size_t seen; /* bytes that have come and are the front of a preface */
  bool h2_only;
  rl_buf line; /* what has come in its place, up to the end of a line */
} start;

static start *start_of(const rl_conn *conn) { return conn->protocol_state; }

static int open_start(rl_conn *conn, bool h2_only) {
  start *s = rl_calloc(1, sizeof *s);
  if (!s) return RL_ENOMEM;
  s->h2_only = h2_only;
  rl_buf_init(&s->line, RL_BUF_NO_LIMIT);
  conn->protocol_state = s;
  rl_conn_clock(conn, conn->host->limits.head_ms);
  return RL_OK;
}

static int open_either(rl_conn *conn) { return open_start(conn, false); }
static int open_h2_only(rl_conn *conn) { return open_start(conn, true); }

static void refuse_h1(rl_conn *conn) {
  char room[128];
  rl_resp resp = rl_resp_refusal(RL_FAULT_HTTP1, room, sizeof room);
  rl_h1_framing framing = {.has_length = true, .length = resp.body.len};
  rl_exchange_report how = {.status = resp.status,
                            .bytes = resp.body.len,
                            .since_ms = rl_loop_now(conn->host->loop),
                            .fault = RL_FAULT_HTTP1};
  rl_buf *out = rl_conn_out(conn);
  rl_h1_write_head(out, &resp, &framing, rl_loop_date(conn->host->loop), true, false);
  rl_buf_add_slice(out, resp.body);
  if (conn->host->events->on_exchange) conn->host->events->on_exchange(conn, NULL, &how);
  rl_conn_finish(conn, RL_LINGER_FULLY);
}

/* Hands the connection over with all that has come: what was seen is the front of the preface, then `bytes`. The state is freed on the
 * way, so this is the last act. */
static void become(rl_conn *conn, const rl_protocol *protocol, rl_slice bytes) {
  size_t seen = start_of(conn)->seen;
  if (!seen) {
    rl_conn_become(conn, protocol, bytes);
    return;
  }
  rl_buf all;
  rl_buf_init(&all, RL_BUF_NO_LIMIT);
  rl_buf_add(&all, preface.data, seen);
  rl_buf_add_slice(&all, bytes);
  if (all.error) rl_conn_close(conn, true);
  else rl_conn_become(conn, protocol, rl_buf_slice(&all));
  rl_buf_free(&all);
}

static bool agreed_on_h2(const rl_conn *conn) {
  const rl_security *security = conn->stream->security;
  return security && rl_slice_eq(security->protocol, RL_SLICE("h2"));
}

static bool is_request_line(rl_slice line) {
  static const char version[] = " HTTP/1.";
  for (size_t i = 0; i + sizeof version - 1 <= line.len; i++)
    if (memcmp(line.data + i, version, sizeof version - 1) == 0) return true;
  return false;
}

/* A client of HTTP/1 is told so in its own words, all else in those of HTTP/2, which refuses the preface. */
static void take_line(rl_conn *conn, rl_slice bytes) {
  start *s = start_of(conn);
  if (!s->line.len) rl_buf_add(&s->line, preface.data, s->seen);
  rl_buf_add_slice(&s->line, bytes);
  rl_slice all = rl_buf_slice(&s->line), line = rl_slice_of(all.data, rl_slice_find(all, '\n', 0));
  if (s->line.error) rl_conn_close(conn, true);
  else if (is_request_line(line)) refuse_h1(conn);
  else if (line.len < all.len || all.len > conn->host->limits.request_line) rl_conn_become(conn, &rl_h2_protocol, all);
}

static void on_data(rl_conn *conn, rl_slice bytes) {
  start *s = start_of(conn);
  if (conn->stream->security && (!s->h2_only || agreed_on_h2(conn))) {
    become(conn, agreed_on_h2(conn) ? &rl_h2_protocol : &rl_h1_protocol, bytes);
    return;
  }
  size_t left = preface.len - s->seen, size = bytes.len < left ? bytes.len : left;
  if (s->line.len || memcmp(bytes.data, preface.data + s->seen, size) != 0) {
    if (s->h2_only) take_line(conn, bytes);
    else become(conn, &rl_h1_protocol, bytes);
  } else if (size == left) {
    become(conn, &rl_h2_protocol, bytes);
  } else {
    s->seen += size;
  }
}

/* Nothing was asked. */
static void on_end(rl_conn *conn) { rl_conn_close(conn, false); }

/* Part of a preface is a request line that did not come to its end. */
static void on_clock(rl_conn *conn) {
  if (start_of(conn)->seen && !start_of(conn)->h2_only) become(conn, &rl_h1_protocol, RL_SLICE_NONE);
  else rl_conn_close(conn, false);
}

static void on_stop(rl_conn *conn) { rl_conn_clock(conn, RL_LIMIT_STOP_IDLE_MS); }
static void on_drained(rl_conn *conn) { (void)conn; }
static void on_broken(rl_conn *conn, int code) { (void)conn, (void)code; }
static void on_free(rl_conn *conn, void *state) {
  start *s = state;
  (void)conn;
  rl_buf_free(&s->line);
  rl_free(s);
}

#define START(open_function)                                                                                     \
  {                                                                                                              \
    .open = open_function, .on_data = on_data, .on_eof = on_end, .on_drained = on_drained, .on_clock = on_clock, \
    .on_broken = on_broken, .on_stop = on_stop, .on_cut = on_end, .on_free = on_free                             \
  }

const rl_protocol rl_start_protocol = START(open_either);
const rl_protocol rl_start_h2_only = START(open_h2_only);
