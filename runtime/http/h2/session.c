/* nghttp2 for one connection; see session.h. */
#include "http/h2/session.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h2/clock.h"
#include "http/h2/memory.h"
#include "http/h2/stream.h"

static const rl_limits *limits_of(const rl_h2 *h2) { return &h2->conn->host->limits; }

static rl_h2_stream *stream_of(nghttp2_session *session, int32_t id) {
  return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- what nghttp2 tells ----------------------------------------------------------------------------------------------------- */

/* A stream beyond the limits is refused, which tells the client that it may try again (RFC 9113 section 8.7). */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  rl_h2 *h2 = ud;
  if (h2->broken) return NGHTTP2_ERR_CALLBACK_FAILURE;
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
  rl_h2_calm(h2, RL_H2_FLOOD_FIELDS);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would drop the field and go on; the request is malformed (RFC 9113 section 8.2.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                             const uint8_t *value, size_t value_len, uint8_t flags, void *ud) {
  (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags, (void)ud;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void take_headers(rl_h2_stream *s, const nghttp2_frame *frame) {
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    rl_h2_stream_take_head(s, ends);
    return;
  }
  rl_h2_stream_take_trailers(s);
  if (ends) rl_h2_stream_end_message(s);
}

/* Of a request that has not begun nghttp2 remembers it. */
static void note_priority(nghttp2_session *session, const nghttp2_ext_priority_update *update) {
  rl_h2_stream *s = stream_of(session, update->stream_id);
  if (s) s->shares = true;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  bool acknowledges = frame->hd.flags & NGHTTP2_FLAG_ACK;
  rl_h2_stream *s = frame->hd.stream_id ? stream_of(session, frame->hd.stream_id) : NULL;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (s) take_headers(s, frame);
      break;
    case NGHTTP2_DATA:
      if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) rl_h2_stream_end_message(s);
      break;
    case NGHTTP2_PRIORITY_UPDATE: note_priority(session, frame->ext.payload); break;
    case NGHTTP2_SETTINGS:
      if (acknowledges) rl_h2_clock_settings(ud);
      break;
    case NGHTTP2_PING:
      if (acknowledges) rl_h2_clock_ping(ud);
      break;
    default: break;
  }
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

/* What the client has made us reset counts as what it resets itself (CVE-2025-8671). */
static void count_reset(rl_h2 *h2, uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || code == NGHTTP2_INTERNAL_ERROR || code == NGHTTP2_CANCEL) return;
  if (rl_h2_guard_reset(&h2->guard, rl_loop_now(h2->conn->host->loop))) rl_h2_calm(h2, RL_H2_FLOOD_RESET);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *ud) {
  rl_h2 *h2 = ud;
  if (h2->broken) return NGHTTP2_ERR_CALLBACK_FAILURE;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS: h2->head_waits = false; break;
    case NGHTTP2_DATA: rl_h2_guard_sent(&h2->guard, frame->hd.length); break;
    case NGHTTP2_RST_STREAM: count_reset(h2, frame->rst_stream.error_code); return 0;
    case NGHTTP2_GOAWAY: h2->ending = h2->ending || frame->goaway.error_code != NGHTTP2_NO_ERROR; return 0;
    default: return 0;
  }
  rl_h2_stream *s = stream_of(session, frame->hd.stream_id);
  if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) rl_h2_stream_end_sent(s);
  return 0;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t length,
                        nghttp2_data_source *source, void *ud) {
  (void)session, (void)frame, (void)ud;
  return rl_h2_stream_send_data(source->ptr, frame_head, length);
}

/* ---- the session -------------------------------------------------------------------------------------------------------------------- */

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
  nghttp2_option_set_max_continuations(o, 1u << 30); /* the guard counts them, nghttp2 also their pieces */
  nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
}

static int make(rl_h2 *h2) {
  nghttp2_mem memory = rl_h2_memory_of(h2);
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *options = NULL;
  int code = rl_h2_memory_start(h2->conn->host);
  if (!code) code = nghttp2_session_callbacks_new(&callbacks);
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
  return code || h2->broken ? RL_ENOMEM : RL_OK;
}

int rl_h2_session_start(rl_h2 *h2) {
  int code = make(h2);
  return code ? code : send_settings(h2);
}
