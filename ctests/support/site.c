/* Handlers in C; see site.h. */
#define _GNU_SOURCE
#include "support/site.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "support/server.h"
#include "support/test.h"

enum { PIECE = 16 << 10, LATE_MS = 100, SIP_MS = 10 };

/* A handler's view of its request: in the request's arena, but for the body. */
typedef struct visit {
  rl_req *req;
  test_server *server;
  test_client *client; /* outlives the connection */
  rl_timer timer;
  rl_buf body;
  uint64_t left; /* to stream */
  int file;      /* -1: none */
  bool whole;    /* answers when the body has ended */
} visit;

typedef struct route {
  const char *method, *pattern;
  void (*handle)(visit *v, const rl_match *match);
} route;

static visit *visit_of(rl_timer *timer) { return RL_CONTAINER(timer, visit, timer); }

static void leave(visit *v) {
  rl_req *req = v->req;
  rl_timer_stop(&v->server->loop, &v->timer);
  rl_buf_free(&v->body);
  if (v->file >= 0) close(v->file);
  v->server->visits--;
  req->ops->release(req);
}

static int respond_bytes(visit *v, int status, rl_slice body) {
  rl_resp resp = {.status = status, .content_type = RL_SLICE("text/plain"), .body = body};
  return v->req->ops->respond(v->req, &resp);
}

/* An answer that fits, or none: the protocol then says 500 if it can. */
static void answer(visit *v, int status, rl_slice body) {
  int code = respond_bytes(v, status, body);
  if (code == RL_ENOMEM) respond_bytes(v, 503, RL_SLICE("memory"));
  leave(v);
}

static void answer_text(visit *v, const char *text) { answer(v, 200, rl_slice_str(text)); }

/* ---- events ------------------------------------------------------------------------------------------------------------- */

static void answer_fault(visit *v, int code) {
  rl_fault fault = v->req->body_fault;
  answer(v, fault ? rl_fault_status(fault) : rl_error_status(code), rl_slice_str(rl_error_word(code)));
}

static void on_body(rl_req *req, rl_slice bytes) {
  visit *v = req->user;
  rl_buf_add_slice(&v->body, bytes);
}

static void on_body_end(rl_req *req, int code) {
  visit *v = req->user;
  test_client_event(v->client, "end %s", rl_error_word(code));
  if (!code) code = v->body.error;
  if (!v->whole) return;
  if (code) answer_fault(v, code);
  else answer(v, 200, rl_buf_slice(&v->body));
}

static void pour(visit *v);

static void on_drain(rl_req *req) { pour(req->user); }

static void on_gone(rl_req *req, int code) {
  visit *v = req->user;
  test_client_event(v->client, "gone %s", rl_error_word(code));
  leave(v);
}

static const rl_req_events events = {
    .on_body = on_body, .on_body_end = on_body_end, .on_drain = on_drain, .on_gone = on_gone};

static void read_all(visit *v) {
  v->whole = true;
  if (v->req->body_done) answer(v, 200, RL_SLICE_NONE);
  else v->req->ops->read_body(v->req, true);
}

static void after(visit *v, uint64_t delay_ms, void (*then)(rl_timer *)) {
  rl_timer_start(&v->server->loop, &v->timer, delay_ms, then);
}

/* ---- bodies in ------------------------------------------------------------------------------------------------------------ */

static void hello(visit *v, const rl_match *match) { (void)match, answer_text(v, "hello"); }
static void echo(visit *v, const rl_match *match) { (void)match, read_all(v); }
static void ignore(visit *v, const rl_match *match) { (void)match, answer_text(v, "ignored"); }

static void small(visit *v, const rl_match *match) {
  (void)match;
  v->req->body_limit = 10;
  read_all(v);
}

static void on_late(rl_timer *timer) { read_all(visit_of(timer)); }
static void late(visit *v, const rl_match *match) { (void)match, after(v, LATE_MS, on_late); }

static void on_first_piece(rl_req *req, rl_slice bytes) {
  (void)bytes;
  answer(req->user, 403, RL_SLICE("enough"));
}

static void first(visit *v, const rl_match *match) {
  static const rl_req_events first_events = {.on_body = on_first_piece, .on_body_end = on_body_end, .on_gone = on_gone};
  (void)match;
  v->req->events = &first_events;
  v->req->ops->read_body(v->req, true);
}

static void on_sip_again(rl_timer *timer) {
  visit *v = visit_of(timer);
  v->req->ops->read_body(v->req, true);
}

static void on_sip(rl_req *req, rl_slice bytes) {
  visit *v = req->user;
  rl_buf_add_slice(&v->body, bytes);
  req->ops->read_body(req, false);
  after(v, SIP_MS, on_sip_again);
}

static void sips(visit *v, const rl_match *match) {
  static const rl_req_events sip_events = {.on_body = on_sip, .on_body_end = on_body_end, .on_gone = on_gone};
  (void)match;
  v->req->events = &sip_events;
  read_all(v);
}

static void on_trailers_end(rl_req *req, int code) {
  visit *v = req->user;
  test_client_event(v->client, "end %s", rl_error_word(code));
  if (code) {
    answer_fault(v, code);
    return;
  }
  rl_buf_clear(&v->body);
  for (size_t i = 0; i < req->trailer_count; i++)
    rl_buf_addf(&v->body, "%.*s=%.*s;", RL_FMT(req->trailers[i].name), RL_FMT(req->trailers[i].value));
  answer(v, 200, rl_buf_slice(&v->body));
}

static void trailers(visit *v, const rl_match *match) {
  static const rl_req_events trailer_events = {.on_body = on_body, .on_body_end = on_trailers_end, .on_gone = on_gone};
  (void)match;
  v->req->events = &trailer_events;
  v->req->ops->read_body(v->req, true);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------- */

static uint64_t number_of(const rl_match *match) {
  unsigned long long number = 0;
  rl_slice_to_u64(match->params[0].value, &number);
  return number;
}

static void on_waited(rl_timer *timer) { answer_text(visit_of(timer), "waited"); }
static void wait(visit *v, const rl_match *match) { after(v, number_of(match), on_waited); }
static void never(visit *v, const rl_match *match) { (void)v, (void)match; }
static void dropped(visit *v, const rl_match *match) { (void)match, leave(v); }

/* ---- bodies out ----------------------------------------------------------------------------------------------------------- */

/* Streams the rest as fast as the client takes it. */
static void pour(visit *v) {
  static const char dots[PIECE] = {[0 ... PIECE - 1] = '.'};
  while (v->left) {
    size_t size = v->left < PIECE ? (size_t)v->left : PIECE;
    int code = v->req->ops->write(v->req, rl_slice_of(dots, size));
    v->left -= size;
    if (code == RL_EAGAIN) return;
    if (code) {
      leave(v);
      return;
    }
  }
  v->req->ops->end(v->req, NULL, 0);
  leave(v);
}

static bool open_stream(visit *v, bool sized, uint64_t length) {
  rl_resp resp = {.status = 200, .streamed = true, .has_length = sized, .length = length};
  if (v->req->ops->respond(v->req, &resp) == RL_OK) return true;
  leave(v);
  return false;
}

static void bytes(visit *v, const rl_match *match) {
  v->left = number_of(match);
  if (open_stream(v, false, 0)) pour(v);
}

static void sized(visit *v, const rl_match *match) {
  v->left = number_of(match);
  if (open_stream(v, true, v->left)) pour(v);
}

/* Streams an answer of known size, and wants no body of the request, like a handler that sends a file. */
static void large(visit *v, const rl_match *match) {
  v->left = number_of(match);
  rl_resp resp = {.status = 200, .streamed = true, .has_length = true, .length = v->left, .wants_no_body = true};
  if (v->req->ops->respond(v->req, &resp) == RL_OK) pour(v);
  else leave(v);
}

/* ---- files ------------------------------------------------------------------------------------------------------------------ */

/* Sends a file of `size` bytes, and announces `promised`. */
static void send_file(visit *v, size_t size, uint64_t promised) {
  v->file = memfd_create("site", MFD_CLOEXEC);
  if (v->file < 0 || ftruncate(v->file, (off_t)size)) abort();
  if (!open_stream(v, true, promised)) return;
  int code = v->req->ops->send_file(v->req, v->file, 0, promised);
  if (code == RL_EAGAIN) return;
  v->req->ops->end(v->req, NULL, 0);
  leave(v);
}

static void on_file_sent(rl_req *req) {
  req->ops->end(req, NULL, 0);
  leave(req->user);
}

static const rl_req_events file_events = {.on_drain = on_file_sent, .on_body_end = on_body_end, .on_gone = on_gone};

static void file(visit *v, const rl_match *match) {
  v->req->events = &file_events;
  send_file(v, (size_t)number_of(match), number_of(match));
}

static void file_short(visit *v, const rl_match *match) {
  (void)match;
  v->req->events = &file_events;
  send_file(v, 100000, 200000);
}

static void on_drop_file(rl_timer *timer) {
  visit *v = visit_of(timer);
  v->req->ops->abort(v->req);
  leave(v);
}

static void file_dropped(visit *v, const rl_match *match) {
  (void)match;
  v->req->events = &file_events;
  after(v, 1000, on_drop_file);
  send_file(v, 1000000, 1000000);
}

/* ---- both ways -------------------------------------------------------------------------------------------------------------- */

static void on_duplex_piece(rl_req *req, rl_slice bytes) {
  visit *v = req->user;
  int code = req->ops->write(req, bytes);
  if (code && code != RL_EAGAIN) leave(v);
}

static void on_duplex_end(rl_req *req, int code) {
  visit *v = req->user;
  test_client_event(v->client, "end %s", rl_error_word(code));
  if (code) req->ops->abort(req);
  else req->ops->end(req, NULL, 0);
  leave(v);
}

static void duplex(visit *v, const rl_match *match) {
  static const rl_req_events duplex_events = {
      .on_body = on_duplex_piece, .on_body_end = on_duplex_end, .on_gone = on_gone};
  (void)match;
  v->req->events = &duplex_events;
  if (!open_stream(v, false, 0)) return;
  v->req->ops->read_body(v->req, true);
  if (v->req->body_done) on_duplex_end(v->req, RL_OK);
}

/* ---- bodies out that are wrong ---------------------------------------------------------------------------------------------- */

static void short_of(visit *v, const rl_match *match) {
  (void)match;
  v->left = 5;
  if (open_stream(v, true, 10)) pour(v);
}

static void over(visit *v, const rl_match *match) {
  (void)match;
  if (!open_stream(v, true, 3)) return;
  test_client_event(v->client, "write %s", rl_error_word(v->req->ops->write(v->req, RL_SLICE("four"))));
  v->req->ops->write(v->req, RL_SLICE("six"));
  v->req->ops->end(v->req, NULL, 0);
  leave(v);
}

static void break_off(visit *v, const rl_match *match) {
  (void)match;
  if (!open_stream(v, false, 0)) return;
  v->req->ops->write(v->req, RL_SLICE("half"));
  v->req->ops->abort(v->req);
  leave(v);
}

static void sends_trailers(visit *v, const rl_match *match) {
  (void)match;
  if (!open_stream(v, false, 0)) return;
  rl_header trailer = {.name = RL_SLICE("X-Sum"), .value = RL_SLICE("42")};
  v->req->ops->write(v->req, RL_SLICE("data"));
  v->req->ops->end(v->req, &trailer, 1);
  leave(v);
}

static void status(visit *v, const rl_match *match) { answer(v, (int)number_of(match), RL_SLICE("text")); }

static void twice(visit *v, const rl_match *match) {
  (void)match;
  respond_bytes(v, 200, RL_SLICE("one"));
  test_client_event(v->client, "respond %s", rl_error_word(respond_bytes(v, 200, RL_SLICE("two"))));
  leave(v);
}

static void after_end(visit *v, const rl_match *match) {
  (void)match;
  test_client_event(v->client, "write %s", rl_error_word(v->req->ops->write(v->req, RL_SLICE("early"))));
  test_client_event(v->client, "end %s", rl_error_word(v->req->ops->end(v->req, NULL, 0)));
  if (!open_stream(v, false, 0)) return;
  v->req->ops->write(v->req, RL_SLICE("body"));
  v->req->ops->end(v->req, NULL, 0);
  test_client_event(v->client, "write %s", rl_error_word(v->req->ops->write(v->req, RL_SLICE("late"))));
  test_client_event(v->client, "end %s", rl_error_word(v->req->ops->end(v->req, NULL, 0)));
  leave(v);
}

/* ---- reports of the request, and headers that must be refused ------------------------------------------------------------------- */

static void headers(visit *v, const rl_match *match) {
  (void)match;
  for (size_t i = 0; i < v->req->header_count; i++)
    rl_buf_addf(&v->body, "%.*s=%.*s;", RL_FMT(v->req->headers[i].name), RL_FMT(v->req->headers[i].value));
  answer(v, v->body.error ? 503 : 200, rl_buf_slice(&v->body));
}

static void target(visit *v, const rl_match *match) {
  const rl_req *r = v->req;
  (void)match;
  rl_buf_addf(&v->body, "%.*s path=%.*s raw=%.*s query=%.*s host=%.*s %s %.*s", RL_FMT(r->method_name), RL_FMT(r->path),
              RL_FMT(r->raw_path), RL_FMT(r->query), RL_FMT(r->host), r->secure ? "https" : "http", RL_FMT(r->remote));
  answer(v, v->body.error ? 503 : 200, rl_buf_slice(&v->body));
}

static void unsafe_trailer(visit *v) {
  if (!open_stream(v, false, 0)) return;
  rl_header trailer = {.name = RL_SLICE("Content-Length"), .value = RL_SLICE("1")};
  test_client_event(v->client, "end %s", rl_error_word(v->req->ops->end(v->req, &trailer, 1)));
  leave(v);
}

static void unsafe(visit *v, const rl_match *match) {
  rl_slice what = match->params[0].value;
  rl_header h = {.name = RL_SLICE("X-A"), .value = RL_SLICE("b")};
  rl_resp resp = {.status = 200, .headers = &h, .header_count = 1, .body = RL_SLICE("never")};
  if (rl_slice_eq(what, RL_SLICE("trailer"))) {
    unsafe_trailer(v);
    return;
  }
  if (rl_slice_eq(what, RL_SLICE("name"))) h.name = RL_SLICE("X A");
  if (rl_slice_eq(what, RL_SLICE("value"))) h.value = RL_SLICE("a\r\nSet-Cookie: x");
  if (rl_slice_eq(what, RL_SLICE("nul"))) h.value = RL_SLICE("a\0b");
  if (rl_slice_eq(what, RL_SLICE("type"))) resp.content_type = RL_SLICE("text/plain\nX: y");
  if (rl_slice_eq(what, RL_SLICE("length"))) h.name = RL_SLICE("content-length"), h.value = RL_SLICE("9");
  if (rl_slice_eq(what, RL_SLICE("coding"))) h.name = RL_SLICE("Transfer-Encoding"), h.value = RL_SLICE("chunked");
  if (rl_slice_eq(what, RL_SLICE("status"))) resp.status = 99;
  test_client_event(v->client, "respond %s", rl_error_word(v->req->ops->respond(v->req, &resp)));
  leave(v);
}

static void hints(visit *v, const rl_match *match) {
  const rl_header link = {.name = RL_SLICE("Link"), .value = RL_SLICE("</a.css>; rel=preload")};
  const rl_header bad = {.name = RL_SLICE("Content-Length"), .value = RL_SLICE("1")};
  (void)match;
  test_client_event(v->client, "hint %s", rl_error_word(v->req->ops->hint(v->req, &bad, 1)));
  v->req->ops->hint(v->req, &link, 1);
  respond_bytes(v, 200, RL_SLICE("hello"));
  test_client_event(v->client, "hint %s", rl_error_word(v->req->ops->hint(v->req, &link, 1)));
  leave(v);
}

/* ---- the routes ------------------------------------------------------------------------------------------------------------- */

static const route routes[] = {{"GET", "/", hello},
                               {"*", "/echo", echo},
                               {"*", "/ignore", ignore},
                               {"POST", "/late", late},
                               {"GET", "/hints", hints},
                               {"*", "/small", small},
                               {"POST", "/first", first},
                               {"POST", "/sips", sips},
                               {"POST", "/trailers", trailers},
                               {"*", "/wait/{ms:int}", wait},
                               {"*", "/never", never},
                               {"*", "/dropped", dropped},
                               {"GET", "/bytes/{n:int}", bytes},
                               {"GET", "/sized/{n:int}", sized},
                               {"POST", "/large/{n:int}", large},
                               {"GET", "/file/{n:int}", file},
                               {"GET", "/file/short", file_short},
                               {"GET", "/file/dropped", file_dropped},
                               {"POST", "/duplex", duplex},
                               {"GET", "/short", short_of},
                               {"GET", "/over", over},
                               {"GET", "/abort", break_off},
                               {"GET", "/sends/trailers", sends_trailers},
                               {"GET", "/status/{n:int}", status},
                               {"GET", "/twice", twice},
                               {"GET", "/after-end", after_end},
                               {"*", "/headers", headers},
                               {"*", "/target/{rest:path}", target},
                               {"GET", "/unsafe/{what}", unsafe}};

static void on_route(rl_dispatch *dispatch, rl_req *req, const rl_match *match) {
  visit *v = rl_arena_alloc(&req->arena, sizeof *v);
  if (!v) {
    rl_answer_plain(req, 503, NULL, 0);
    return;
  }
  test_server *server = RL_CONTAINER(dispatch, test_server, dispatch);
  *v = (visit){.req = req, .server = server, .client = test_client_of(server), .file = -1};
  rl_buf_init(&v->body, RL_BUF_NO_LIMIT);
  req->user = v;
  req->events = &events;
  v->server->visits++;
  routes[match->route].handle(v, match);
}

void site_install(test_server *server) {
  rl_buf why;
  rl_buf_init(&why, 256);
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    int taken, code = rl_router_add(server->router, rl_slice_str(routes[i].method), rl_slice_str(routes[i].pattern),
                                    (int)i, &taken, &why);
    if (code) fail_msg("%s: %.*s", routes[i].pattern, (int)why.len, why.data);
  }
  rl_buf_free(&why);
  server->dispatch.on_route = on_route;
}
