/*
 * A whole connection of HTTP/2, its handlers (support/site.h) included, over a stream in memory. The input is a program for a
 * client, one letter and its operands at a time, so that most of what is tried are frames:
 *
 *     f TYPE FLAGS STREAM LEN body…    a frame               h FLAGS STREAM ROUTE LEN block…   HEADERS of a request, and octets after it
 *     d FLAGS STREAM LEN               DATA, 16 * LEN octets w STREAM LEN                      WINDOW_UPDATE by 256 * LEN
 *     x STREAM CODE                    RST_STREAM            b LEN bytes…                      bytes as they are
 *     e  the client's FIN      r  its RST      s  it reads no more      t  it reads again      q  the server stops
 *     1  writes of 7 bytes     n  of any size  p  a second passes       P  a minute
 *     m X  the X-th allocation from here fails    M  all of them do
 *
 * Anything else is one byte that is skipped. The preface comes by itself unless the input begins with '!'.
 *
 * What comes back are whole frames, of which the first is SETTINGS, and nothing is left: no connection, request, timer or byte.
 */
#include "base/alloc.h"
#include "fuzz/fuzz.h"
#include "support/frames.h"
#include "support/server.h"

enum { ROOM = 1 << 20 };

static const char *const routes[] = {
    "/",        "/echo",      "/never",    "/wait/50",    "/bytes/100000", "/sized/70000",   "/abort",  "/short",
    "/duplex",  "/file/9999", "/trailers", "/late",       "/sips",         "/small",         "/ignore", "/first",
    "/dropped", "/over",      "/headers",  "/status/204", "/file/short",   "/sends/trailers"};

typedef struct client_program {
  rl_slice input;
  test_client *client;
  rl_buf out;  /* bytes to send */
  size_t most; /* at once */
} client_program;

static uint8_t next_byte(client_program *p) {
  if (!p->input.len) return 0;
  uint8_t byte = (uint8_t)p->input.data[0];
  rl_slice_skip(&p->input, 1);
  return byte;
}

static rl_slice next_bytes(client_program *p) {
  size_t len = next_byte(p);
  if (len > p->input.len) len = p->input.len;
  rl_slice bytes = rl_slice_of(p->input.data, len);
  rl_slice_skip(&p->input, len);
  return bytes;
}

static void send_out(client_program *p) {
  rl_slice bytes = rl_buf_slice(&p->out);
  for (size_t at = 0; at < bytes.len; at += p->most)
    test_client_send(p->client, rl_slice_of(bytes.data + at, bytes.len - at < p->most ? bytes.len - at : p->most));
  rl_buf_clear(&p->out);
}

static void add_frame(client_program *p) {
  uint8_t type = next_byte(p), flags = next_byte(p), stream = next_byte(p);
  frames_add(&p->out, type, flags, stream, next_bytes(p));
}

static void add_request(client_program *p) {
  uint8_t flags = next_byte(p), stream = next_byte(p), route = next_byte(p);
  rl_buf block;
  rl_buf_init(&block, RL_BUF_NO_LIMIT);
  frames_request(&block, route & 128 ? "POST" : "GET", routes[(route & 127) % (sizeof routes / sizeof *routes)]);
  rl_buf_add_slice(&block, next_bytes(p));
  frames_add(&p->out, FRAMES_HEADERS, flags, stream, rl_buf_slice(&block));
  rl_buf_free(&block);
}

static void add_data(client_program *p) {
  static const char text[16 * 255];
  uint8_t flags = next_byte(p), stream = next_byte(p);
  frames_add(&p->out, FRAMES_DATA, flags, stream, rl_slice_of(text, (size_t)16 * next_byte(p)));
}

static void add_number(client_program *p, uint8_t type, uint32_t unit) {
  uint8_t stream = next_byte(p);
  rl_buf body;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  frames_u32(&body, unit * next_byte(p));
  frames_add(&p->out, type, 0, stream, rl_buf_slice(&body));
  rl_buf_free(&body);
}

/* Something other than bytes happens. */
static void happen(client_program *p, char what) {
  test_client *client = p->client;
  send_out(p);
  switch (what) {
    case 'e': test_client_eof(client); break;
    case 'r': test_client_break(client); break;
    case 's': client->stream.room = 0; break;
    case 't': test_client_take(client, ROOM); break;
    case '1': client->stream.most = 7; break;
    case 'n': client->stream.most = SIZE_MAX; break;
    case 'p': test_server_pause(client->server, 1000); break;
    case 'P': test_server_pause(client->server, 60000); break;
    case 'M': rl_alloc_fail_at(1, true); break;
    case 'm': rl_alloc_fail_at(1 + next_byte(p), false); break;
    case 'q':
      if (client->link) rl_conn_stop(&client->link->conn);
      test_server_settle(client->server);
      break;
    default: break;
  }
}

static void send_all(client_program *p) {
  while (p->input.len) {
    char what = (char)next_byte(p);
    switch (what) {
      case 'f': add_frame(p); break;
      case 'h': add_request(p); break;
      case 'd': add_data(p); break;
      case 'w': add_number(p, FRAMES_WINDOW_UPDATE, 256); break;
      case 'x': add_number(p, FRAMES_RST_STREAM, 1); break;
      case 'b': rl_buf_add_slice(&p->out, next_bytes(p)); break;
      default: happen(p, what); break;
    }
  }
  send_out(p);
}

static void check_frames(rl_slice out) {
  frame f;
  for (bool first = true; frames_next(&out, &f); first = false) {
    HOLDS(!first || (f.type == FRAMES_SETTINGS && !f.flags));
    HOLDS(f.type <= FRAMES_CONTINUATION && f.type != FRAMES_PUSH_PROMISE && f.type != FRAMES_PRIORITY);
  }
}

static void run(test_server *server, rl_slice input, size_t most, bool late_eof) {
  client_program p = {.input = input, .client = test_client_connect_h2(server), .most = most};
  HOLDS(p.client);
  rl_buf_init(&p.out, RL_BUF_NO_LIMIT);
  p.client->stream.room = ROOM;
  p.client->stream.late_eof = late_eof;
  if (input.len && input.data[0] == '!') {
    rl_slice_skip(&p.input, 1);
  } else {
    rl_buf_add_str(&p.out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frames_add(&p.out, FRAMES_SETTINGS, 0, 0, RL_SLICE(""));
  }
  send_all(&p);
  rl_alloc_fail_at(0, false);
  check_frames(test_client_out(p.client));
  test_client_free(p.client);
  test_server_check(server);
  rl_buf_free(&p.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static test_server server;
  rl_slice input = fuzz_slice(data, size);
  if (!server.router) test_server_init(&server);
  run(&server, input, SIZE_MAX / 2, true);
  run(&server, input, 1, true);
  run(&server, input, SIZE_MAX / 2, false);
  return 0;
}
