/*
 * What OpenSSL reads records from and writes them to: a BIO over the stream below. It reads out of the bytes that the stream has just
 * told, without a buffer of its own, and writes straight to the stream.
 */
#ifndef RL_NET_TLS_WIRE_H
#define RL_NET_TLS_WIRE_H

#include "loop/loop.h"
#include "net/stream.h"

struct ssl_st;

typedef struct rl_tls_wire {
  rl_stream *below;
  rl_loop *loop;
  rl_slice in; /* what has come and was not read; borrowed */
  char *name;  /* the server's: that the client has asked for, or that is to be verified; or NULL */
  int error;   /* what a write to the stream failed with */
  bool open;   /* the handshake is done: what belongs to one is counted from now on */
  uint32_t messages;
  uint64_t second; /* in which they came */
} rl_tls_wire;

/* Gives `ssl` a BIO over this wire, which is its app data too and outlives it. Returns 0 or RL_ENOMEM. */
int rl_tls_wire_attach(rl_tls_wire *wire, struct ssl_st *ssl);
/* Returns true if more messages of a handshake have come in this second than the limit allows (RL_LIMIT_TLS_MESSAGES). Each costs far
 * more than its bytes: new keys, tickets (RFC 8446 section 4.6). Reading has stopped there. */
bool rl_tls_wire_is_flooded(const rl_tls_wire *wire);

#endif
