/* Frames by hand; see h2_client.h. */
#include "support/h2_client.h"

#include <stdlib.h>

#include "support/frames.h"
#include "support/test.h"

static const char *const names[] = {"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                    "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};

void h2_client_connect(h2_client *c, test_server *server) {
  *c = (h2_client){0};
  rl_buf_init(&c->out, RL_BUF_NO_LIMIT);
  rl_buf_init(&c->seen, RL_BUF_NO_LIMIT);
  if (nghttp2_hd_inflate_new(&c->inflater)) abort();
  c->client = test_client_connect_h2(server);
}

void h2_client_open(h2_client *c, test_server *server) {
  h2_client_connect(c, server);
  h2_preface(c);
  h2_settings(c, (uint32_t[]){0});
  h2_frame(c, NGHTTP2_SETTINGS, H2_ACK, 0, RL_SLICE_NONE);
  h2_send(c);
  h2_seen(c);
}

void h2_client_free(h2_client *c) {
  if (c->client) test_client_free(c->client);
  nghttp2_hd_inflate_del(c->inflater);
  rl_buf_free(&c->out);
  rl_buf_free(&c->seen);
}

/* ---- frames --------------------------------------------------------------------------------------------------------------------- */

void h2_preface(h2_client *c) { rl_buf_add_str(&c->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); }

void h2_frame(h2_client *c, uint8_t type, uint8_t flags, uint32_t stream, rl_slice payload) {
  frames_add(&c->out, type, flags, stream, payload);
}

static void add_built(h2_client *c, uint8_t type, uint8_t flags, uint32_t stream, rl_buf *payload) {
  h2_frame(c, type, flags, stream, rl_buf_slice(payload));
  rl_buf_free(payload);
}

static rl_buf new_payload(void) {
  rl_buf payload;
  rl_buf_init(&payload, RL_BUF_NO_LIMIT);
  return payload;
}

void h2_settings(h2_client *c, const uint32_t *pairs) {
  rl_buf payload = new_payload();
  for (; *pairs; pairs += 2) frames_u16(&payload, (uint16_t)pairs[0]), frames_u32(&payload, pairs[1]);
  add_built(c, NGHTTP2_SETTINGS, 0, 0, &payload);
}

void h2_ping(h2_client *c, const char *eight) { h2_frame(c, NGHTTP2_PING, 0, 0, rl_slice_of(eight, 8)); }

static void add_word_frame(h2_client *c, uint8_t type, uint32_t stream, uint32_t word) {
  rl_buf payload = new_payload();
  frames_u32(&payload, word);
  add_built(c, type, 0, stream, &payload);
}

void h2_reset(h2_client *c, uint32_t stream, uint32_t code) { add_word_frame(c, NGHTTP2_RST_STREAM, stream, code); }
void h2_window(h2_client *c, uint32_t stream, uint32_t size) { add_word_frame(c, NGHTTP2_WINDOW_UPDATE, stream, size); }

void h2_data(h2_client *c, uint32_t stream, bool end, rl_slice bytes) {
  h2_frame(c, NGHTTP2_DATA, end ? H2_END_STREAM : 0, stream, bytes);
}

void h2_block(rl_buf *block, const char *fields) {
  rl_slice rest = rl_slice_str(fields);
  while (rest.len) {
    size_t end = rl_slice_find(rest, '\n', 0), colon = rl_slice_find(rest, ':', 1);
    size_t value = colon + 1 < end && rest.data[colon + 1] == ' ' ? colon + 2 : colon + 1;
    frames_field(block, rl_slice_of(rest.data, colon), rl_slice_of(rest.data + value, end - value));
    rl_slice_skip(&rest, end < rest.len ? end + 1 : end);
  }
}

void h2_headers(h2_client *c, uint32_t stream, bool end, const char *fields) {
  rl_buf block = new_payload();
  h2_block(&block, fields);
  add_built(c, NGHTTP2_HEADERS, (uint8_t)(H2_END_HEADERS | (end ? H2_END_STREAM : 0)), stream, &block);
}

void h2_request(h2_client *c, uint32_t stream, bool end, const char *method, const char *path, const char *more) {
  rl_buf fields = new_payload();
  rl_buf_addf(&fields, ":method: %s\n:scheme: http\n:authority: a\n:path: %s\n%s", method, path, more);
  rl_buf_add_char(&fields, 0);
  h2_headers(c, stream, end, fields.data);
  rl_buf_free(&fields);
}

void h2_send(h2_client *c) {
  rl_slice bytes = rl_buf_slice(&c->out);
  for (size_t i = 0; c->byte_by_byte && i < bytes.len; i++)
    mem_stream_feed(&c->client->stream, rl_slice_of(bytes.data + i, 1));
  if (!c->byte_by_byte) mem_stream_feed(&c->client->stream, bytes);
  test_server_settle(c->client->server);
  rl_buf_clear(&c->out);
}

/* ---- what the server sends ------------------------------------------------------------------------------------------------------- */

static bool is_usual(rl_slice name) {
  return rl_slice_eq(name, RL_SLICE("date")) || rl_slice_eq(name, RL_SLICE("content-type"));
}

static void show_fields(h2_client *c, rl_slice block) {
  const uint8_t *at = (const uint8_t *)block.data, *end = at + block.len;
  int flags = 0;
  while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
    nghttp2_nv nv;
    ssize_t n = nghttp2_hd_inflate_hd2(c->inflater, &nv, &flags, at, (size_t)(end - at), 1);
    if (n < 0) fail_msg("a header block that cannot be decoded");
    at += n;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) || is_usual(rl_slice_of((const char *)nv.name, nv.namelen))) continue;
    rl_buf_addf(&c->seen, " %.*s=%.*s", (int)nv.namelen, nv.name, (int)nv.valuelen, nv.value);
  }
  nghttp2_hd_inflate_end_headers(c->inflater);
}

static void show_settings(h2_client *c, rl_slice payload, bool ack) {
  if (ack) rl_buf_add_str(&c->seen, " ACK");
  for (; payload.len >= 6; rl_slice_skip(&payload, 6))
    rl_buf_addf(&c->seen, " %u=%u", frames_number(payload, 0) >> 16, frames_number(payload, 2));
}

static void show(h2_client *c, uint8_t type, uint8_t flags, uint32_t stream, rl_slice payload) {
  const char *end = flags & H2_END_STREAM ? " END" : "";
  if (type == NGHTTP2_WINDOW_UPDATE && !c->shows_windows) return;
  rl_buf_addf(&c->seen, "%s%s", c->seen.len ? "; " : "", type < sizeof names / sizeof *names ? names[type] : "?");
  if (stream) rl_buf_addf(&c->seen, " %u", stream);
  switch (type) {
    case NGHTTP2_DATA:
      rl_buf_addf(&c->seen, " %zu%s", payload.len, end);
      if (payload.len && !c->hides_data) rl_buf_addf(&c->seen, " %.*s", (int)payload.len, payload.data);
      break;
    case NGHTTP2_HEADERS:
      rl_buf_add_str(&c->seen, end);
      show_fields(c, payload);
      break;
    case NGHTTP2_SETTINGS: show_settings(c, payload, flags & H2_ACK); break;
    case NGHTTP2_PING: rl_buf_addf(&c->seen, "%s %.8s", flags & H2_ACK ? " ACK" : "", payload.data); break;
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE: rl_buf_addf(&c->seen, " %u", frames_number(payload, 0)); break;
    case NGHTTP2_GOAWAY: rl_buf_addf(&c->seen, " %u %u", frames_number(payload, 0), frames_number(payload, 4)); break;
    default: break;
  }
}

const char *h2_seen(h2_client *c) {
  rl_slice out = test_client_out(c->client);
  rl_slice_skip(&out, c->read);
  rl_buf_clear(&c->seen);
  for (frame f; frames_next(&out, &f);) {
    if (f.type == NGHTTP2_DATA) c->data += f.body.len;
    show(c, f.type, f.flags, f.stream, f.body);
  }
  c->read = test_client_out(c->client).len - out.len;
  rl_buf_add_char(&c->seen, 0);
  return c->seen.data;
}
