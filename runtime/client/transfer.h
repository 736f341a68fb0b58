/*
 * A transfer: one request and its response. Redirects, cookies and retries are above it, in lua/rille/client/.
 *
 *   start -> WAITING (for the pool) -> CONNECTING -> RUNNING -> ENDED
 *                                           |            head, body …
 *            stop: at any time, silently    deadlines: total from the start, connect, read between two bytes
 *
 *   wire --> carrier --> body (encoded; RL_LIMIT_CLIENT_UNREAD of it, more once somebody reads; then a pause)
 *                          --rl_transfer_read--> decoded bytes, no more at a time than the reader asked for
 *   caller --rl_transfer_send(bytes)--> the carrier takes them when the wire does; one piece at a time, nothing is copied
 *
 * This file has what all carriers have in common. A carrier (rl_carrier) moves the bytes: connections of our own for
 * HTTP/1.1 (carrier/http1.c), libcurl for everything else (carrier/curl.c). client/client.h chooses.
 *
 * `on_progress` says that something has changed: the head has come, there are bytes, a piece was sent, the transfer has ended.
 * It may run inside a carrier and must not call back into this file; it wakes a task.
 */
#ifndef RL_CLIENT_TRANSFER_H
#define RL_CLIENT_TRANSFER_H

#include "client/dial.h"
#include "client/location.h"
#include "client/pool.h"
#include "http/decoder.h"
#include "http/h1/response_head.h"
#include "http/header.h"

typedef struct rl_transfer rl_transfer;

/* How to reach the server, unless it is reached directly and by the system's certificates. All NULL by default. */
typedef struct rl_route {
  const char *proxy;           /* URL; "env": what the environment says */
  const char *no_proxy;        /* "localhost,.internal" */
  const char *unix_path;       /* a socket instead of host and port */
  const char *ca;              /* file or folder with certificates, or PEM text */
  const char *cert, *key;      /* files with our own, or PEM text */
  const char *user, *password; /* answers a digest challenge (RFC 7616) */
  bool insecure;               /* certificates are not checked */
  bool http2;                  /* HTTP/2 is spoken where the server offers it */
} rl_route;

/* The request to send. Borrowed until rl_transfer_start returns, except `location`, with its text, and `body`: until the end. */
typedef struct rl_client_request {
  const char *method;
  const rl_location *location;
  const rl_header *headers;
  size_t header_count;
  rl_slice body;
  bool has_body, streamed; /* streamed: by rl_transfer_send, `length` bytes in all (-1: unknown) */
  int64_t length;
  bool idempotent;                        /* may be sent again if an idle connection turns out to be dead */
  bool decode;                            /* undo Content-Encoding */
  uint32_t connect_ms, read_ms, total_ms; /* 0: none */
  uint64_t body_limit;                    /* of the decoded body; 0: none */
  const rl_route *route;                  /* NULL: directly */
} rl_client_request;

/* A carrier moves the bytes of a transfer. It keeps what it needs in transfer.carrier_state, which nobody else looks at, and calls the
 * functions "for carriers" below. */
typedef struct rl_carrier {
  /* Keeps what it needs of the request, which is borrowed. Returns 0, or why it cannot be sent: then nothing is kept. */
  int (*prepare)(rl_transfer *transfer, const rl_client_request *request);
  /* Connects and sends: its turn has come. Failures go to rl_transfer_fail. */
  void (*begin)(rl_transfer *transfer);
  /* RL_PAUSED_RECV: there is room again. RL_PAUSED_SEND: there are bytes to send, or they end, or sending stops. */
  void (*resume)(rl_transfer *transfer, unsigned direction);
  /* Ends, whatever the carrier is doing, and frees carrier_state; `reusable`: the connection may be kept. Called once for
   * each transfer that was prepared. */
  void (*leave)(rl_transfer *transfer, bool reusable);
} rl_carrier;

enum { RL_TRANSFER_NEW, RL_TRANSFER_WAITING, RL_TRANSFER_CONNECTING, RL_TRANSFER_RUNNING, RL_TRANSFER_ENDED };
enum { RL_PHASE_NONE, RL_PHASE_CONNECT, RL_PHASE_READ, RL_PHASE_TOTAL };
enum { RL_PAUSED_RECV = CURLPAUSE_RECV, RL_PAUSED_SEND = CURLPAUSE_SEND };

struct rl_transfer {
  rl_pool_ticket ticket; /* first */
  rl_pool *pool;
  const rl_carrier *carrier;
  void (*on_progress)(rl_transfer *transfer);
  void *owner;
  const rl_location *location; /* the request's */

  rl_response_head head;
  bool has_head;
  uint8_t state;
  uint8_t paused; /* RL_PAUSED_* */
  uint8_t phase;  /* of a timeout */
  int code;       /* why it failed, or 0 */
  char *message;  /* one line about it, or NULL; owned */

  rl_buf body; /* as it came, from body_at on not read yet */
  size_t body_at;
  rl_decoder *decoder;
  uint64_t delivered, body_limit;
  size_t high; /* so many bytes may wait in `body` */

  rl_slice outgoing; /* not yet taken; borrowed */
  bool streams, outgoing_ended;
  bool sending_stopped; /* the rest of them is not wanted */
  bool keeps_sending;   /* after a refusal too: the carrier could only end the body as if it were whole */

  bool decode, is_head, idempotent;
  bool upgrades;    /* the request has an Upgrade field */
  bool allowed;     /* by the address policy, because of its host's name */
  uint8_t sendings; /* times that the request went out … */
  uint8_t most;     /* … of so many */
  uint32_t connect_ms, read_ms;
  rl_timer total, step; /* step: connect, then read */

  void *carrier_state; /* the carrier's own, from prepare to leave */
};

/* Embedded; zeroed memory is not enough. on_progress and owner are set by the caller. */
void rl_transfer_init(rl_transfer *transfer, rl_pool *pool);
/* Starts it, or returns why it cannot be started: RL_EDENIED, RL_ECLOSED (the pool), RL_ENOMEM. */
int rl_transfer_start(rl_transfer *transfer, const rl_carrier *carrier, const rl_client_request *request);
/* Ends it, if it has not ended: closes its connection, does not call on_progress. */
void rl_transfer_stop(rl_transfer *transfer);
/* Stops it and gives everything back. */
void rl_transfer_free(rl_transfer *transfer);

/* Sends bytes of the request's body: borrowed until on_progress finds transfer.outgoing empty, or the transfer has ended. */
void rl_transfer_send(rl_transfer *transfer, rl_slice bytes);
void rl_transfer_send_end(rl_transfer *transfer);
/* Returns true if the server still wants the body. An answer may begin while a body is sent, which goes on then. After a
 * refusal (a status of 300 or above), or a whole answer, nobody waits for the rest. In HTTP/2 the server says so (RFC 9113
 * section 8.1). */
bool rl_transfer_wants_body(const rl_transfer *transfer);
/* Stops sending before the body is complete: the request does not end as if it were (RFC 9112 section 8), and its connection
 * is not kept. The bytes sent last are given back. */
void rl_transfer_stop_sending(rl_transfer *transfer);

/* Reads up to `cap` decoded bytes, into `room` or where they lie. Returns how many, borrowed until rl_transfer_read_on, which
 * must follow; 0 if there are none yet, or no more (transfer.state tells); or an error, which has ended the transfer. */
long rl_transfer_read(rl_transfer *transfer, char *room, size_t cap, rl_slice *bytes);
/* The bytes have been used: more may come. */
void rl_transfer_read_on(rl_transfer *transfer);
/* Takes all that is left, if the transfer has ended well and nothing needs decoding: borrowed until the transfer is touched
 * again. .data is NULL if rl_transfer_read must do it. */
rl_slice rl_transfer_take_rest(rl_transfer *transfer);
/* Returns how many encoded bytes have come and not been read. */
static inline size_t rl_transfer_unread(const rl_transfer *transfer) { return transfer->body.len - transfer->body_at; }
/* Returns true if rl_transfer_read would find encoded bytes. */
static inline bool rl_transfer_has_bytes(const rl_transfer *transfer) { return transfer->body_at < transfer->body.len; }
/* Ends it as failed. For failures that the pool or a binding finds. */
void rl_transfer_fail(rl_transfer *transfer, int code, const char *message);

/* ---- for carriers ---- */

rl_loop *rl_transfer_loop(const rl_transfer *transfer);
/* A connection is being made. */
void rl_transfer_begin_connect(rl_transfer *transfer);
/* A connection is ready. Returns false if the request has used all its attempts. */
bool rl_transfer_begin_request(rl_transfer *transfer);
/* Bytes have moved: the read clock starts again. It stops while we are the ones who hold things up. */
void rl_transfer_touch(rl_transfer *transfer);
/* We hold things up in that direction, until rl_carrier.resume. */
void rl_transfer_pause(rl_transfer *transfer, unsigned direction);
/* transfer.head is the final one. Returns 0, or a code that ends the transfer and has been noted. */
int rl_transfer_take_head(rl_transfer *transfer);
/* Returns true if no body follows transfer.head, whatever it says. */
bool rl_transfer_is_bodiless(const rl_transfer *transfer);
/* Bytes of the body. As above. */
int rl_transfer_take_body(rl_transfer *transfer, rl_slice bytes);
/* So many of the outgoing bytes have been sent. */
void rl_transfer_note_sent(rl_transfer *transfer, size_t count);
/* Notes what went wrong; the first note stands. The carrier ends the transfer. */
void rl_transfer_note(rl_transfer *transfer, int code, const char *message);
/* Notes that a head was refused, with the words for it. */
void rl_transfer_refuse_head(rl_transfer *transfer, int code);
/* Ends it, well or as noted. */
void rl_transfer_end(rl_transfer *transfer, bool reusable);

#endif
