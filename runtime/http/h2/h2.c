/* HTTP/2 on a connection; see h2.h for the picture. */
#include "http/h2/h2.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h2/clock.h"
#include "http/h2/session.h"
#include "http/h2/stream.h"

static rl_h2 *h2_of(const rl_conn *conn) { return conn->protocol_state; }
static rl_loop *loop_of(const rl_h2 *h2) { return h2->conn->host->loop; }
static const rl_limits *limits_of(const rl_h2 *h2) { return &h2->conn->host->limits; }

static rl_h2_stream *stream_of_node(rl_list *node) { return RL_CONTAINER(node, rl_h2_stream, node); }
static rl_h2_stream *stream_with_news(rl_list *news) { return RL_CONTAINER(news, rl_h2_stream, news); }

/* ---- work ----------------------------------------------------------------------------------------------------------------------- */

static void sweep(rl_h2 *h2) {
  rl_list *news;
  while ((news = rl_list_shift(&h2->dead))) rl_h2_stream_del(stream_with_news(news));
}

static void lose_all(rl_h2 *h2, int code) {
  RL_LIST_EACH(&h2->streams, node) rl_exchange_lose(&stream_of_node(node)->exchange, code);
}

/* Nothing is under way, and nothing more will come. */
static bool is_over(const rl_h2 *h2) {
  if (!rl_list_empty(&h2->streams)) return false;
  return h2->conn->eof || h2->goaway == RL_H2_GOAWAY_FINAL || !nghttp2_session_want_read(h2->session);
}

/* A client that does not take what it was told is not listened to: every frame of its may have an answer (CVE-2019-9512 ff.). */
static void decide_reading(rl_h2 *h2) { rl_conn_read(h2->conn, rl_conn_queued(h2->conn) < RL_LIMIT_WRITE_HIGH); }

static void settle(rl_h2 *h2) {
  rl_conn *conn = h2->conn;
  if (conn->state != RL_CONN_OPEN) return;
  if (h2->broken || h2->ending) lose_all(h2, h2->broken ? h2->broken : RL_EPROTOCOL);
  if (h2->broken) rl_conn_close(conn, true);
  else if (h2->ending || is_over(h2)) rl_conn_finish(conn, RL_LINGER_BRIEFLY);
  else rl_h2_clock_note(h2), decide_reading(h2);
}

/* Requests that were held back because too much waited to be taken (stream.c). */
static void begin_held(rl_h2 *h2) {
  if (!h2->held || h2->queued > RL_LIMIT_H2_QUEUED) return;
  h2->held = false;
  RL_LIST_EACH(&h2->streams, node) rl_h2_stream_has_news(stream_of_node(node));
}

static void work(rl_h2 *h2) {
  rl_list *news;
  h2->working = true;
  do {
    while ((news = rl_list_shift(&h2->todo))) rl_h2_stream_step(stream_with_news(news));
    rl_h2_pump(h2);
    begin_held(h2);
  } while (!rl_list_empty(&h2->todo));
  h2->working = false;
  sweep(h2);
  settle(h2);
}

static void on_work(rl_post *post) {
  rl_h2 *h2 = RL_CONTAINER(post, rl_h2, work);
  if (h2->conn->state == RL_CONN_OPEN) work(h2);
}

/* ---- what the connection says ---------------------------------------------------------------------------------------------------- */

static void receive(rl_h2 *h2, rl_slice bytes) {
  if (!bytes.len) return;
  h2->inside = true;
  ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.data, bytes.len);
  h2->inside = false;
  if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) n = nghttp2_session_terminate_session(h2->session, NGHTTP2_PROTOCOL_ERROR);
  else if (n == NGHTTP2_ERR_FLOODED) n = nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
  rl_h2_check(h2, (int)n);
}

static void on_data(rl_conn *conn, rl_slice bytes) {
  rl_h2 *h2 = h2_of(conn);
  rl_h2_flood flood;
  if (h2->ending) return;
  size_t size = rl_h2_guard_scan(&h2->guard, bytes, rl_loop_now(loop_of(h2)), &flood);
  receive(h2, rl_slice_of(bytes.data, size));
  if (flood) rl_h2_calm(h2, flood);
  else if (h2->guard.error) rl_h2_check(h2, nghttp2_session_terminate_session(h2->session, h2->guard.error));
  work(h2);
}

/* Requests that are not complete never will be; others have a little time. */
static void on_eof(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  RL_LIST_EACH(&h2->streams, node) {
    rl_h2_stream *s = stream_of_node(node);
    if (!s->remote_done) rl_h2_stream_give_up(s, RL_ERESET);
  }
  work(h2);
}

static void on_drained(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  RL_LIST_EACH(&h2->streams, node) {
    rl_h2_stream *s = stream_of_node(node);
    if (s->drain_due) rl_h2_stream_has_news(s);
  }
  work(h2);
}

static void on_clock(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  rl_h2_clock_fire(h2);
  work(h2);
}

static void on_broken(rl_conn *conn, int code) { lose_all(h2_of(conn), code); }

static void on_stop(rl_conn *conn) { rl_h2_shut(h2_of(conn)); }

static void on_cut(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  RL_LIST_EACH(&h2->streams, node) {
    rl_h2_stream *s = stream_of_node(node);
    if (!rl_exchange_cut(&s->exchange) && s->begun && !s->out.ended) rl_h2_stream_break_off(s);
  }
  rl_h2_shut_now(h2);
  work(h2);
  rl_conn_finish(conn, RL_LINGER_BRIEFLY);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */

static int open_h2(rl_conn *conn) {
  rl_h2 *h2 = rl_calloc(1, sizeof *h2);
  if (!h2) return RL_ENOMEM;
  h2->conn = conn;
  rl_list_init(&h2->streams);
  rl_list_init(&h2->todo);
  rl_list_init(&h2->dead);
  rl_post_init(&h2->work);
  h2->on_work = on_work;
  rl_h2_guard_init(&h2->guard, limits_of(h2), rl_loop_now(loop_of(h2)));
  int code = rl_h2_session_start(h2);
  if (code) {
    nghttp2_session_del(h2->session);
    rl_loop_unpost(loop_of(h2), &h2->work);
    rl_free(h2);
    return code;
  }
  conn->protocol_state = h2;
  rl_h2_clock_start(h2);
  rl_h2_work_soon(h2);
  return RL_OK;
}

static void on_free(rl_conn *conn, void *state) {
  rl_h2 *h2 = state;
  lose_all(h2, RL_ERESET);
  h2->working = true; /* nothing is posted any more */
  while (!rl_list_empty(&h2->streams)) rl_h2_stream_del(stream_of_node(h2->streams.next));
  rl_loop_unpost(conn->host->loop, &h2->work);
  nghttp2_session_del(h2->session);
  rl_free(h2);
}

const rl_protocol rl_h2_protocol = {.open = open_h2,
                                    .on_data = on_data,
                                    .on_eof = on_eof,
                                    .on_drained = on_drained,
                                    .on_clock = on_clock,
                                    .on_broken = on_broken,
                                    .on_stop = on_stop,
                                    .on_cut = on_cut,
                                    .on_free = on_free};
