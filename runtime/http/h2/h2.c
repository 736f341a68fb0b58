/* HTTP/2 on a connection; see h2.h for the picture. */
#include "http/h2/h2.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h2/stream.h"

static rl_h2 *h2_of(const rl_conn *conn) { return conn->protocol_state; }
static rl_loop *loop_of(const rl_h2 *h2) { return h2->conn->host->loop; }
static const rl_limits *limits_of(const rl_h2 *h2) { return &h2->conn->host->limits; }

static rl_h2_stream *stream_of_node(rl_list *node) { return RL_CONTAINER(node, rl_h2_stream, node); }
static rl_h2_stream *stream_with_news(rl_list *news) { return RL_CONTAINER(news, rl_h2_stream, news); }

static rl_h2_stream *stream_of(nghttp2_session *session, int32_t id) {
  return nghttp2_session_get_stream_user_data(session, id);
}

void rl_h2_check(rl_h2 *h2, int code) {
  if (!nghttp2_is_fatal(code)) return;
  if (!h2->broken) h2->broken = code == NGHTTP2_ERR_NOMEM ? RL_ENOMEM : RL_EPROTOCOL;
  rl_h2_work_soon(h2);
}

/* ---- what nghttp2 tells ----------------------------------------------------------------------------------------------------- */

/* A stream beyond the limits is refused, which tells the client that it may try again (RFC 9113 section 8.7). */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  rl_h2 *h2 = ud;
  int32_t id = frame->hd.stream_id;
  rl_h2_stream *s = stream_of(session, id);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    if (s) rl_h2_stream_begin_trailers(s);
    return 0;
  }
  s = h2->running < limits_of(h2)->streams ? rl_h2_stream_new(h2, id) : NULL;
  if (s) return nghttp2_session_set_stream_user_data(session, id, s);
  return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *ud) {
  rl_h2 *h2 = ud;
  rl_h2_stream *s = stream_of(session, frame->hd.stream_id);
  (void)flags;
  if (!s || !s->head.req) return 0;
  rl_h2_head_add(&s->head, limits_of(h2), rl_slice_of((const char *)name, name_len),
                 rl_slice_of((const char *)value, value_len));
  if (!rl_h2_head_is_bomb(&s->head, limits_of(h2))) return 0;
  nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would drop the field and go on; the request is malformed (RFC 9113 section 8.2.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                             const uint8_t *value, size_t value_len, uint8_t flags, void *ud) {
  (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags, (void)ud;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  (void)ud;
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  rl_h2_stream *s = stream_of(session, frame->hd.stream_id);
  if (!s) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    rl_h2_stream_take_head(s, ends);
    return 0;
  }
  if (frame->hd.type == NGHTTP2_HEADERS) rl_h2_stream_take_trailers(s);
  if (ends) rl_h2_stream_end_message(s);
  return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                         void *ud) {
  (void)flags;
  rl_h2_stream *s = stream_of(session, id);
  if (s) rl_h2_stream_take_body(s, rl_slice_of((const char *)data, len));
  else rl_h2_check(ud, nghttp2_session_consume(session, id, len));
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ud) {
  (void)ud;
  rl_h2_stream *s = stream_of(session, id);
  if (s) rl_h2_stream_close(s, code);
  return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  rl_h2 *h2 = ud;
  if (frame->hd.type == NGHTTP2_HEADERS) h2->head_waits = false;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  rl_h2_stream *s = stream_of(session, frame->hd.stream_id);
  if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) rl_h2_stream_end_sent(s);
  return 0;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t length,
                        nghttp2_data_source *source, void *ud) {
  (void)session, (void)frame, (void)ud;
  return rl_h2_stream_send_data(source->ptr, frame_head, length);
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
  while (rl_conn_queued(conn) < RL_LIMIT_WRITE_HIGH || h2->head_waits) {
    n = nghttp2_session_mem_send(h2->session, &frame);
    if (n <= 0) break;
    rl_buf_add(rl_conn_out(conn), frame, (size_t)n);
  }
  h2->inside = false;
  rl_h2_check(h2, (int)n);
  if (rl_conn_queued(conn) >= RL_LIMIT_WRITE_HIGH) rl_conn_want_drained(conn);
  if (rl_conn_queued(conn)) rl_conn_flush_soon(conn);
}

/* ---- work ----------------------------------------------------------------------------------------------------------------------- */

static void sweep(rl_h2 *h2) {
  rl_list *news;
  while ((news = rl_list_shift(&h2->dead))) rl_h2_stream_del(stream_with_news(news));
}

static void lose_all(rl_h2 *h2, int code) {
  RL_LIST_EACH(&h2->streams, node) rl_exchange_lose(&stream_of_node(node)->exchange, code);
}

/* Nothing is under way and nothing more will come. */
static bool is_over(const rl_h2 *h2) {
  if (!nghttp2_session_want_read(h2->session)) return true;
  return rl_list_empty(&h2->streams) && (h2->conn->eof || h2->conn->stopping);
}

static void settle(rl_h2 *h2) {
  rl_conn *conn = h2->conn;
  if (h2->broken) {
    lose_all(h2, h2->broken);
    rl_conn_close(conn, true);
  } else if (conn->state == RL_CONN_OPEN && is_over(h2)) {
    rl_conn_finish(conn, RL_LINGER_BRIEFLY);
  }
}

static void work(rl_h2 *h2) {
  rl_list *news;
  h2->working = true;
  do {
    while ((news = rl_list_shift(&h2->todo))) rl_h2_stream_step(stream_with_news(news));
    rl_h2_pump(h2);
  } while (!rl_list_empty(&h2->todo));
  h2->working = false;
  sweep(h2);
  settle(h2);
}

static void on_work(rl_post *post) {
  rl_h2 *h2 = RL_CONTAINER(post, rl_h2, work);
  if (h2->conn->state == RL_CONN_OPEN) work(h2);
}

void rl_h2_work_soon(rl_h2 *h2) {
  if (!h2->working) rl_loop_post(loop_of(h2), &h2->work, on_work);
}

/* ---- what the connection says ---------------------------------------------------------------------------------------------------- */

static void on_data(rl_conn *conn, rl_slice bytes) {
  rl_h2 *h2 = h2_of(conn);
  h2->inside = true;
  ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.data, bytes.len);
  h2->inside = false;
  rl_h2_check(h2, (int)n);
  work(h2);
}

static void on_eof(rl_conn *conn) { work(h2_of(conn)); }

static void on_drained(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  RL_LIST_EACH(&h2->streams, node) {
    rl_h2_stream *s = stream_of_node(node);
    if (s->drain_due) rl_h2_stream_has_news(s);
  }
  work(h2);
}

static void on_clock(rl_conn *conn) { (void)conn; }

static void on_broken(rl_conn *conn, int code) { lose_all(h2_of(conn), code); }

static void on_stop(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  rl_h2_check(
      h2, nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h2->session),
                                NGHTTP2_NO_ERROR, NULL, 0));
  work(h2);
}

static void on_cut(rl_conn *conn) {
  rl_h2 *h2 = h2_of(conn);
  RL_LIST_EACH(&h2->streams, node) rl_exchange_cut(&stream_of_node(node)->exchange);
  work(h2);
  rl_conn_finish(conn, RL_LINGER_BRIEFLY);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */

static void *alloc(size_t size, void *ud) { return (void)ud, rl_alloc(size ? size : 1); }
static void give(void *block, void *ud) { (void)ud, rl_free(block); }
static void *alloc_zeroed(size_t count, size_t size, void *ud) { return (void)ud, rl_calloc(count, size); }
static void *resize(void *block, size_t size, void *ud) { return (void)ud, rl_realloc(block, size ? size : 1); }

static void set_callbacks(nghttp2_session_callbacks *c) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(c, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
  nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
}

static void set_options(nghttp2_option *o) {
  nghttp2_option_set_no_auto_window_update(o, 1);
  nghttp2_option_set_no_closed_streams(o, 1);
  nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
}

static int make_session(rl_h2 *h2) {
  nghttp2_mem memory = {.malloc = alloc, .free = give, .calloc = alloc_zeroed, .realloc = resize};
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *options = NULL;
  int code = nghttp2_session_callbacks_new(&callbacks);
  if (!code) code = nghttp2_option_new(&options);
  if (!code) {
    set_callbacks(callbacks);
    set_options(options);
    code = nghttp2_session_server_new3(&h2->session, callbacks, h2, options, &memory);
  }
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  return code ? RL_ENOMEM : RL_OK;
}

static int send_settings(rl_h2 *h2) {
  const rl_limits *limits = limits_of(h2);
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->fields_size},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  int code = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, entries, sizeof entries / sizeof *entries);
  if (!code)
    code = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, (int32_t)RL_LIMIT_H2_WINDOW);
  return code ? RL_ENOMEM : RL_OK;
}

static int open_h2(rl_conn *conn) {
  rl_h2 *h2 = rl_calloc(1, sizeof *h2);
  if (!h2) return RL_ENOMEM;
  h2->conn = conn;
  rl_list_init(&h2->streams);
  rl_list_init(&h2->todo);
  rl_list_init(&h2->dead);
  rl_post_init(&h2->work);
  int code = make_session(h2);
  if (!code) code = send_settings(h2);
  if (code) {
    nghttp2_session_del(h2->session);
    rl_free(h2);
    return code;
  }
  conn->protocol_state = h2;
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
