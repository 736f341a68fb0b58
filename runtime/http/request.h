/*
 * A request and its answer: one exchange, whatever the protocol below and whoever handles it above.
 *
 *      protocol (h1, h2; the in-process test client)
 *         |  fills the head, then handle(req)                    ^ rl_req_ops: what a handler asks of the protocol
 *         v                                                      |
 *      rl_req  -- events: body arrives, room to write, client gone -->  handler (C, or a Lua task)
 *
 * The life of one:
 *
 *      handle -> [read_body … on_body … on_body_end] -> respond -> [write … on_drain …] -> end -> release
 *
 * Everything of a request lives in its arena; slices are valid until rl_req_release. After release, or after on_gone
 * followed by release, the handler must not touch it. The protocol frees it once both sides have finished with it.
 */
#ifndef RL_HTTP_REQUEST_H
#define RL_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/fault.h"
#include "http/header.h"
#include "http/method.h"
#include "net/stream.h"

/* Ten times the version that is spoken. */
typedef enum rl_version { RL_HTTP_1_0 = 10, RL_HTTP_1_1 = 11, RL_HTTP_2 = 20 } rl_version;

/* "1.0", "1.1", "2". */
const char *rl_version_text(rl_version version);

typedef struct rl_req rl_req;
typedef struct rl_resp rl_resp;
typedef struct rl_exchange rl_exchange;

/* The calls that a handler makes (exchange.c). After the client has gone each fails with RL_ERESET, but for release. */
typedef struct rl_req_ops {
  /* The body may flow (true) or must wait (false). The first `true` answers Expect: 100-continue. */
  void (*read_body)(rl_req *req, bool flow);
  /* An early response with status 103 and these fields (borrowed), before the response; once or several times (RFC 8297). A client
   * of HTTP/1.0 gets none. 0, RL_EINVALID if a field is not safe or the response has begun, RL_ENOMEM, RL_ERESET. */
  int (*hint)(rl_req *req, const rl_header *headers, size_t count);
  /* The head of the response and what is there of its body; `resp` is borrowed until return. Once. 0, or RL_ERESET where
   * the client has gone (nothing was sent), RL_ENOMEM. */
  int (*respond)(rl_req *req, const rl_resp *resp);
  /* More of a streamed body. 0: taken. RL_EAGAIN: taken too, but wait for on_drain before the next. RL_ERESET: gone. */
  int (*write)(rl_req *req, rl_slice bytes);
  /* A part of a file as the next piece of a streamed body whose length was announced. The descriptor stays the caller's and
   * open until on_drain, which always follows RL_EAGAIN; 0: it is done, or there is nothing to send. */
  int (*send_file)(rl_req *req, int fd, uint64_t offset, uint64_t size);
  /* The streamed body is complete; trailers (borrowed) may be NULL. */
  int (*end)(rl_req *req, const rl_header *trailers, size_t count);
  /* Breaks the exchange off in the middle of its body, so that the client cannot take it for complete. */
  void (*abort)(rl_req *req);
  /* The handler has finished: it forgets the request now. */
  void (*release)(rl_req *req);
} rl_req_ops;

/* The events that a handler hears; filled by the handler (static). Any may be NULL. */
typedef struct rl_req_events {
  /* A piece of the body, at least one byte, borrowed until return. */
  void (*on_body)(rl_req *req, rl_slice bytes);
  /* The body is complete (0), or never will be: RL_ETOOBIG, RL_ESYNTAX (bad framing), RL_ETIMEOUT (too slow). */
  void (*on_body_end)(rl_req *req, int code);
  /* After RL_EAGAIN: room again. */
  void (*on_drain)(rl_req *req);
  /* The client has gone; nothing can be sent any more. The handler still releases. */
  void (*on_gone)(rl_req *req, int code);
} rl_req_events;

struct rl_req {
  rl_arena arena;
  const rl_req_ops *ops;
  rl_exchange *exchange; /* whose ops these are; NULL once the client has gone */
  const rl_req_events *events;
  void *user; /* whose events these are */

  rl_method method;
  uint8_t version;      /* rl_version */
  bool secure;          /* the scheme is https */
  bool has_length;      /* `length` is known: it was announced, or there is no body */
  bool expect_continue; /* the client waits for 100 Continue (RFC 9110 section 10.1.1) */
  bool body_done;       /* all of it has been handed over, or there is none */
  bool responded;       /* respond was called: a status is on its way */
  uint8_t body_fault;   /* rl_fault: why the body will never be complete, told before on_body_end; its status fits */
  uint64_t length;      /* of the body, if has_length */
  uint64_t body_limit;  /* the most that may arrive; a handler may change it before it reads */
  uint64_t body_size;   /* bytes handed over so far */
  rl_slice method_name;
  rl_slice target;             /* as sent */
  rl_slice raw_path, query;    /* of the target; query without '?' */
  rl_slice path;               /* decoded once, "%2F" and "%25" kept (base/url.h): what the router cuts into segments */
  rl_slice host;               /* authority of the target, else the Host header; "" in HTTP/1.0 without one */
  rl_slice remote;             /* the client's IP as text, "" for a unix socket */
  const rl_security *security; /* of its connection, as long as the client is there; NULL: not by TLS (net/stream.h) */
  const rl_header *headers;
  size_t header_count;
  const rl_header *trailers;
  size_t trailer_count;
  uint64_t started_ms; /* rl_loop_now when the head was complete */
  rl_slice id;         /* empty until it is asked for: rl_req_id */
  const char *route;   /* the name of its route, or NULL; for logs */
  bool shows_dev;      /* rille dev: who asks may see its pages; set by the gate before the handler */
};

/* Makes a request in a fresh arena of `pool`, with nothing filled in. Returns NULL if out of memory. */
rl_req *rl_req_new(rl_chunk_pool *pool);
void rl_req_free(rl_req *req);

/* Returns the name of this request in logs: 16 hex digits, unlikely to meet again and without meaning; made when first asked
 * for. */
rl_slice rl_req_id(rl_req *req);

/* Applies the rules for target, host and expectations that hold in every protocol (RFC 9110 sections 7.1, 7.2 and 10.1.1, RFC
 * 9112 section 3) to a head that was parsed into method, target, version and headers, and fills in what follows from them.
 * RL_FAULT_NONE or what is wrong. How the body is framed is the protocol's to say. */
rl_fault rl_req_check(rl_req *req);

/* Returns true if its Content-Length is beyond its body limit. */
static inline bool rl_req_is_too_long(const rl_req *req) { return req->length > req->body_limit; }

/* The first field of that name, or NULL. */
static inline const rl_header *rl_req_header(const rl_req *req, rl_header_id id) {
  return rl_header_find(req->headers, req->header_count, id);
}

/* The elements of a field that is a list, over all its lines (header.h). */
static inline rl_field_list rl_req_list(const rl_req *req, rl_header_id id) {
  return rl_field_list_of(req->headers, req->header_count, id);
}

/* A valid authority: reg-name, IPv4 or [IPv6], and a port up to 65535 or none (RFC 3986 section 3.2, without userinfo). */
bool rl_authority_is_valid(rl_slice authority);
/* Writes the name of an authority in lower case, without port, brackets and a dot at its end. Returns "" if it is too long. */
enum { RL_HOST_NAME = 256 };
rl_slice rl_authority_name(rl_slice authority, char out[RL_HOST_NAME]);

#endif
