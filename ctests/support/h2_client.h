/*
 * A client of HTTP/2 for tests that writes its frames by hand (frames.h), so that it can say what no library would. What the server sends comes back as text, one word group for a frame:
 *
 *   "SETTINGS; SETTINGS ACK; HEADERS 1 :status=200 content-length=5; DATA 1 5 END hello; RST_STREAM 3 8; GOAWAY 1 11"
 *
 * Date and Content-Type are left out, and so are WINDOW_UPDATEs unless `shows_windows`.
 */
#ifndef CTESTS_SUPPORT_H2_CLIENT_H
#define CTESTS_SUPPORT_H2_CLIENT_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "support/server.h"

typedef struct h2_client {
  test_client *client;
  rl_buf out; /* frames that h2_send will send */
  nghttp2_hd_inflater *inflater;
  size_t read; /* bytes of the server's that were looked at */
  rl_buf seen;
  bool byte_by_byte; /* sends each byte in a piece of its own */
  bool shows_windows;
  bool hides_data; /* shows sizes of DATA, not bytes */
  uint64_t data;   /* bytes of DATA that came, of all streams */
} h2_client;

enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4, H2_PADDED = 8, H2_PRIORITY = 32 };

/* Connects. Nothing is sent. */
void h2_client_connect(h2_client *c, test_server *server);
/* Connects, sends the preface and empty SETTINGS, and forgets what the server has said to it. */
void h2_client_open(h2_client *c, test_server *server);
void h2_client_free(h2_client *c);

/* ---- frames: added to `out` ---- */

void h2_preface(h2_client *c);
void h2_frame(h2_client *c, uint8_t type, uint8_t flags, uint32_t stream, rl_slice payload);
/* Pairs of identifier and value, after which 0. */
void h2_settings(h2_client *c, const uint32_t *pairs);
void h2_ping(h2_client *c, const char *eight);
void h2_reset(h2_client *c, uint32_t stream, uint32_t code);
void h2_window(h2_client *c, uint32_t stream, uint32_t size);
void h2_data(h2_client *c, uint32_t stream, bool end, rl_slice bytes);
/* A header block in one HEADERS frame. `fields`: "name: value\n…"; the first colon after the first byte ends the name. */
void h2_headers(h2_client *c, uint32_t stream, bool end, const char *fields);
/* The usual head of a request; `more` fields may be "". */
void h2_request(h2_client *c, uint32_t stream, bool end, const char *method, const char *path, const char *more);
/* Appends a header block to `block`. */
void h2_block(rl_buf *block, const char *fields);

/* Sends what was added, and lets the server work. */
void h2_send(h2_client *c);
/* Returns what the server has sent since the last call, as text. */
const char *h2_seen(h2_client *c);

#endif
