/*
 * One request and its response, on one libcurl transfer: no redirects, no cookies, no retries (those are Lua's, above).
 *
 *   start -> WAITING (for a place in the pool) -> CONNECTING -> RUNNING -> ENDED
 *                                                    |            head, body …
 *            stop: at any time, silently             deadlines: total from the start, connect, read between two bytes
 *
 *   wire --> curl --> body (as it came, encoded; RL_LIMIT_CLIENT_UNREAD of it, more once somebody reads; then a pause)
 *                      --rl_transfer_read--> decoded bytes, no more at a time than the reader asked for
 *   caller --rl_transfer_offer(bytes)--> curl takes them when the socket does; one offer at a time, nothing is copied
 *
 * `on_progress` says that something has changed: the head has come, there are bytes, an offer was taken, it has ended. It
 * runs inside curl and must not call back into this file; it wakes a task.
 */
#ifndef RL_CLIENT_TRANSFER_H
#define RL_CLIENT_TRANSFER_H

#include "client/head.h"
#include "client/pool.h"
#include "http/decoder.h"
#include "http/header.h"

/* How to get there, where it is not straight and by the system's certificates. All NULL by default. */
typedef struct rl_route {
  const char *proxy;           /* URL; "env": what the environment says */
  const char *no_proxy;        /* "localhost,.internal" */
  const char *unix_path;       /* a socket instead of host and port */
  const char *ca;              /* file with certificates, or PEM text */
  const char *cert, *key;      /* files with our own, or PEM text */
  const char *user, *password; /* answers a digest challenge (RFC 7616) */
  bool insecure;               /* certificates are not checked */
} rl_route;

/* What to send. Borrowed until rl_transfer_start returns, except `body`: until the end. */
typedef struct rl_exchange {
  const char *method, *url;
  const rl_header *headers;
  size_t header_count;
  rl_slice body;
  bool has_body, streamed; /* streamed: by rl_transfer_offer, `length` bytes in all (-1: unknown) */
  int64_t length;
  bool idempotent;                        /* may be sent again where a kept connection turns out to be dead */
  bool decode;                            /* undo Content-Encoding */
  uint32_t connect_ms, read_ms, total_ms; /* 0: none */
  uint64_t body_limit;                    /* of the decoded body; 0: none */
  const rl_route *route;                  /* NULL: straight */
} rl_exchange;

enum { RL_TRANSFER_NEW, RL_TRANSFER_WAITING, RL_TRANSFER_CONNECTING, RL_TRANSFER_RUNNING, RL_TRANSFER_ENDED };
enum { RL_PHASE_NONE, RL_PHASE_CONNECT, RL_PHASE_READ, RL_PHASE_TOTAL };

struct rl_transfer {
  rl_list node; /* in the pool */
  rl_pool *pool;
  rl_slot *slot;
  void (*on_progress)(rl_transfer *transfer);
  void *owner;

  rl_head head;
  bool has_head;
  uint8_t state;
  uint8_t paused; /* CURLPAUSE_RECV, CURLPAUSE_SEND */
  uint8_t phase;  /* of a timeout */
  int code;       /* why it failed, or 0 */
  char *message;  /* one line about it, or NULL; owned */

  rl_buf body; /* as it came, from body_at on not read yet */
  size_t body_at;
  rl_decoder *decoder;
  uint64_t delivered, body_limit;
  size_t high; /* so many bytes may wait in `body` */

  rl_slice offer; /* not yet taken; borrowed */
  bool offers, offers_ended;

  bool decode, is_head, idempotent, digest;
  bool denied;      /* by the guard */
  bool allowed;     /* by its name */
  uint8_t sendings; /* times that the request went out */
  uint64_t origin;  /* hash, for limit_per_host */
  uint32_t connect_ms, read_ms;
  rl_timer total, step; /* step: connect, then read */
};

/* Embedded; zeroed memory is not enough. on_progress and owner are set by the caller. */
void rl_transfer_init(rl_transfer *transfer, rl_pool *pool);
/* 0, or why it cannot be started (RL_EINVALID: the URL; RL_EDENIED; RL_ECLOSED: the pool; RL_ENOMEM): then it has not. */
int rl_transfer_start(rl_transfer *transfer, const rl_exchange *exchange);
/* Ends it where it has not ended: its connection is closed, no on_progress will come. */
void rl_transfer_stop(rl_transfer *transfer);
/* Stops it and gives everything back. */
void rl_transfer_free(rl_transfer *transfer);

/* Bytes of the request's body: borrowed until on_progress finds transfer.offer empty, or it has ended. */
void rl_transfer_offer(rl_transfer *transfer, rl_slice bytes);
void rl_transfer_offer_end(rl_transfer *transfer);

/* Up to `cap` decoded bytes into `out`: how many; 0 where there are none yet, or none any more (transfer.state tells);
 * or an error, which has ended the transfer. */
long rl_transfer_read(rl_transfer *transfer, char *out, size_t cap);
/* All that is left, where it has ended well and nothing needs decoding: borrowed until the transfer is touched again.
 * .data is NULL where rl_transfer_read must do it. */
rl_slice rl_transfer_take_rest(rl_transfer *transfer);
/* Whether rl_transfer_read would find encoded bytes. */
static inline bool rl_transfer_has_bytes(const rl_transfer *transfer) { return transfer->body_at < transfer->body.len; }
/* Ends it as failed: what pool and bindings find out. */
void rl_transfer_fail(rl_transfer *transfer, int code, const char *message);

/* ---- between the files of this room ---- */

/* Sets what a new slot's easy handle calls. */
void rl_transfer_bind(rl_slot *slot);
/* Its turn has come (pool.c). */
void rl_transfer_begin(rl_transfer *transfer);
/* Sets what is the same for every exchange, then what is of this one (setup.c). 0 or RL_ENOMEM. */
void rl_slot_prepare(rl_slot *slot);
int rl_slot_setup(rl_slot *slot, const rl_exchange *exchange);
/* curl's result as a code of ours and one line for people (failure.c); `text` is at least RL_FAILURE_TEXT bytes. */
enum { RL_FAILURE_TEXT = 320 };
int rl_failure_of(const rl_slot *slot, CURLcode result, char text[RL_FAILURE_TEXT]);

#endif
