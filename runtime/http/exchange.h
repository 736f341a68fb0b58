/*
 * An exchange: one request and its answer. The rules that hold whatever the protocol below are written here, once.
 *
 *      handler
 *         |  rl_req_ops: respond, write, end …                ^  rl_req_events: on_body, on_drain, on_gone
 *         v                                                   |
 *      rl_exchange    answered once; as many bytes as were announced; no body for HEAD, 204 and 304; safe headers and
 *         |           trailers; body limit and pace; 100 Continue; each handler hears one end and releases once
 *         v  rl_exchange_ops: what a protocol can do          ^  rl_exchange_take_body, _end_body, _drained, _lose …
 *      protocol       HTTP/1 (h1/h1.c), HTTP/2 (h2/stream.c), the in-process client (local.c)
 *
 * A protocol embeds one for each request that can be under way at a time, and calls rl_exchange_begin for each request:
 *
 *      begin -> [take_body … end_body | fail_body] -> settle -> finish       both sides have done their part
 *                                                \--> lose                   the client has gone
 *                                                 \-> break_off              the handler gives up in the middle
 *
 * `req` is NULL between two requests. Only exchange.c writes the fields; protocols read them.
 */
#ifndef RL_HTTP_EXCHANGE_H
#define RL_HTTP_EXCHANGE_H

#include "http/response.h"
#include "loop/loop.h"

typedef struct rl_exchange rl_exchange;

/* The calls that a protocol implements. None of these calls the handler, and none applies a rule that stands above. */
typedef struct rl_exchange_ops {
  /* Sends the head, framed as x->framing says, and resp->body where x->framing.body. Unless resp->streamed the response is
   * complete then. All or nothing: after an error no byte has left, and another response may be tried. */
  int (*send_head)(rl_exchange *x, const rl_resp *resp);
  /* Sends a piece of the body, at least one byte. 0; RL_EAGAIN: taken, and rl_exchange_drained follows. Any other code ends
   * the exchange. */
  int (*send_body)(rl_exchange *x, rl_slice bytes);
  /* Sends a part of a file, at least one byte. RL_EAGAIN: taken, and rl_exchange_drained follows; the descriptor stays open
   * until then or until on_end. Any other code ends the exchange. */
  int (*send_file)(rl_exchange *x, int fd, uint64_t offset, uint64_t size);
  /* Ends a streamed response. The trailers are safe; a protocol that has no room for them drops them. 0, or a code that ends
   * the exchange. */
  int (*send_end)(rl_exchange *x, const rl_header *trailers, size_t count);
  /* Sends 100 Continue. */
  void (*send_continue)(rl_exchange *x);
  /* Sends 103 Early Hints; the fields are safe. All or nothing: 0 or RL_ENOMEM. NULL: the protocol sends none. */
  int (*send_hints)(rl_exchange *x, const rl_header *headers, size_t count);
  /* x->wants_body has changed, or the body has failed: starts or stops reading. */
  void (*flow)(rl_exchange *x);
  /* Nobody wants the rest of the request's body: reads and drops it, or has the client stop (rl_exchange_stop_body). */
  void (*drop_body)(rl_exchange *x);
  /* The response is complete and the handler has released: calls rl_exchange_finish now, or once the request is read. */
  void (*settle)(rl_exchange *x);
  /* The exchange lets go of x->req. Last look at it: the report is due, and files that were not sent are not touched again. */
  void (*on_end)(rl_exchange *x);
  /* The response will never be complete, or there is none: makes the client see that. After on_end. */
  void (*break_off)(rl_exchange *x);
} rl_exchange_ops;

/* How an exchange went, for metrics and the access log. */
typedef struct rl_exchange_report {
  int status;        /* 0: the client went away before there was one */
  uint64_t bytes;    /* of the body, as sent */
  uint64_t since_ms; /* rl_loop_now when the head was complete */
  rl_fault fault;    /* why it was refused, or RL_FAULT_NONE */
} rl_exchange_report;

struct rl_exchange {
  const rl_exchange_ops *ops;
  rl_loop *loop;
  const rl_limits *limits;
  rl_req *req;                       /* under way, or NULL */
  int status;                        /* of the response, 0 before there is one */
  bool wants_body;                   /* the handler lets the body flow */
  bool continued;                    /* 100 Continue was sent, or was not asked for */
  bool drops_body;                   /* nobody wants the rest of the body */
  bool message_done;                 /* the whole request was read */
  bool body_failed;                  /* it never will be */
  bool response_done;                /* the whole response was handed to the protocol */
  bool released;                     /* the handler has forgotten the request */
  rl_framing framing;                /* of the response */
  uint64_t sent;                     /* bytes of its body */
  uint64_t flowed_ms, flowing_since; /* how long the body has been wanted, for its minimum rate */
};

/* `limits` outlives the exchange. */
void rl_exchange_init(rl_exchange *x, const rl_exchange_ops *ops, rl_loop *loop, const rl_limits *limits);
/* Starts a request whose head is complete; takes it. The caller then fills in what it knows of the peer and hands the request to
 * its handler. */
void rl_exchange_begin(rl_exchange *x, rl_req *req);

/* Hands a piece of the body to the handler. Returns false if nobody wants it. Beyond the body's limit the body fails. */
bool rl_exchange_take_body(rl_exchange *x, rl_slice piece);
/* The body is complete. */
void rl_exchange_end_body(rl_exchange *x);
/* The body never will be complete: the handler hears why, and answers. */
void rl_exchange_fail_body(rl_exchange *x, rl_fault fault);
/* Nobody wants the rest of the body. */
void rl_exchange_drop_body(rl_exchange *x);
/* Stops reading a body that is dropped, or wanted. */
void rl_exchange_stop_body(rl_exchange *x);
/* There is room for more of the response. */
void rl_exchange_drained(rl_exchange *x);

/* Ends an exchange that both sides have finished; frees the request. */
void rl_exchange_finish(rl_exchange *x);
/* The client has gone: the handler hears of it and keeps the request until it releases it. Does nothing without a request. */
void rl_exchange_lose(rl_exchange *x, int code);
/* The handler has had its time: answers 503 in its place if it has not answered (RFC 9110 section 15.6.4), then tells it that
 * the exchange is over. Returns true if that answer was sent. */
bool rl_exchange_cut(rl_exchange *x);

/* Returns true if nothing more of the request is expected: it is complete, or never will be. */
static inline bool rl_exchange_is_read(const rl_exchange *x) { return x->message_done || x->body_failed; }
/* Returns true while the body is read, for the handler or to be dropped. */
static inline bool rl_exchange_flows(const rl_exchange *x) { return x->wants_body || x->drops_body; }
/* Returns true once the response is complete and the handler has released. */
static inline bool rl_exchange_is_settled(const rl_exchange *x) { return x->response_done && x->released; }

/* Milliseconds that the body may still take before it is too slow (rl_limits.body_rate); 0: it is. UINT64_MAX: no limit. */
uint64_t rl_exchange_body_left_ms(const rl_exchange *x);
rl_exchange_report rl_exchange_report_of(const rl_exchange *x);

#endif
