/*
 * What one stream with TLS is made of, for the files that work on it: tls.c reads and shakes hands, output.c writes, failure.c ends it.
 * Whoever uses one includes tls.h.
 */
#ifndef RL_NET_TLS_STATE_H
#define RL_NET_TLS_STATE_H

#include "base/buf.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "net/tls/client.h"
#include "net/tls/server.h"
#include "net/tls/wire.h"

typedef struct rl_tls {
  rl_stream stream; /* first */
  rl_loop *loop;
  rl_tls_wire wire;      /* the stream below, and what OpenSSL reads now */
  rl_tls_server *server; /* one of these two, a reference */
  rl_tls_client *client;
  struct ssl_st *ssl; /* NULL while WAITING */
  rl_buf held;        /* records that came and wait: for the rest of a hello, for their turn, or for the reader */
  rl_security security;
  char *why;      /* NULL: nothing has failed */
  rl_timer clock; /* bounds a handshake of the server */
  rl_post resume; /* goes on with what is held */
  rl_tls_buffered buffered;
  rl_turn turn;                  /* of the server's handshakes */
  size_t promised;               /* bytes encrypted by a write that said RL_EAGAIN */
  int code;                      /* what it has failed with; 0: it has not */
  uint8_t state;                 /* RL_TLS_* */
  bool reading, wants_writable;  /* what the owner wants */
  bool reading_below;            /* what the stream below was told */
  bool blocked;                  /* OpenSSL cannot go on before the stream below takes bytes */
  bool ending;                   /* close_notify waits to be written */
  bool ended;                    /* it has left; nothing more is written */
  bool eof, eof_told, eof_below; /* close_notify has come; the owner knows; the stream below has ended */
  bool closed;
} rl_tls;

enum { RL_TLS_WAITING, RL_TLS_SHAKING, RL_TLS_OPEN, RL_TLS_FAILED };

static inline rl_stream *rl_tls_below(const rl_tls *tls) { return tls->wire.below; }
/* Returns true if nothing is read, written or told any more. */
static inline bool rl_tls_is_over(const rl_tls *tls) { return tls->closed || tls->state == RL_TLS_FAILED; }
static inline rl_tls_buffers *rl_tls_buffers_of(rl_tls *tls) {
  return tls->server ? rl_tls_server_buffers(tls->server) : rl_tls_client_buffers(tls->client);
}

#endif
