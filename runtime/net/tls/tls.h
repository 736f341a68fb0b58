/*
 * TLS as a stream over another stream (RFC 8446, RFC 5246), either role. OpenSSL keeps the protocol; this keeps the contract of
 * net/stream.h: events come from the loop, what `write` does not take stays with the caller.
 *
 *   owner  <--plain bytes-->  rl_tls  <--records-->  below (a socket, mem_stream, another rl_tls)
 *
 *   WAITING --first byte, its turn (turns.h)--> SHAKING --> OPEN --close_notify, an end without one, a fault--> ENDED
 *
 * write returns RL_EAGAIN until the handshake is done; want_writable is answered then. `security` is filled before the first
 * on_data and before the first write succeeds. on_eof follows close_notify only: an end of the stream below without it is
 * RL_ERESET, because a body that ends there may have been cut (RFC 8446 section 6.1). A handshake or a record that fails is
 * RL_ETLS, after the alert was sent, and rl_tls_why says why.
 *
 * Bytes that came together are decrypted together and told in one on_data, so no plain bytes ever wait in here. Records that came
 * while nobody reads stay below. A write that returned RL_EAGAIN may have been encrypted already: the next write has to begin with
 * the same bytes, as it has on any stream. An idle stream holds no buffers.
 *
 * Files are copied (RL_EUNSUPPORTED). The kernel's TLS would send them itself, but needs a socket for OpenSSL and the module `tls`; a
 * BIO of ours that claimed it would write plain text (openssl issue 14595).
 */
#ifndef RL_NET_TLS_TLS_H
#define RL_NET_TLS_TLS_H

#include "base/buf.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "net/tls/client.h"
#include "net/tls/server.h"

typedef struct rl_tls {
  rl_stream stream; /* first */
  rl_loop *loop;
  rl_stream *below;
  rl_tls_server *server; /* one of these two, borrowed */
  rl_tls_client *client;
  struct ssl_st *ssl; /* NULL while WAITING */
  rl_slice in;        /* what OpenSSL reads now; borrowed */
  rl_buf held;        /* records that came and wait for their turn, or for the reader */
  rl_security security;
  char *name;        /* of the server: asked for by the client (role of the server), or to be verified */
  char *why;         /* NULL: nothing has failed */
  rl_timer clock;    /* bounds the handshake */
  rl_post resume;    /* goes on with what is held */
  rl_list turn;      /* the server's queue of handshakes, or its list of those under way */
  uint64_t began_ms; /* the handshake */
  size_t promised;   /* bytes encrypted by a write that said RL_EAGAIN */
  int code;          /* of on_error; 0: none was told */
  uint8_t state;     /* RL_TLS_* in tls.c */
  bool reading, wants_writable, shutting, shut, eof, queued, closed;
} rl_tls;

/* Takes the events of `below`, which is connected; closing the one closes the other. The caller sets events and owner of
 * tls->stream before the loop runs again, and frees nothing before on_closed. `server` and `client` are borrowed and outlive the
 * stream; `below` does too. Return 0 or RL_ENOMEM: then `below` is untouched and no event comes. */
int rl_tls_accept(rl_tls *tls, rl_loop *loop, rl_stream *below, rl_tls_server *server);
/* `name` (copied) is asked for by SNI and verified; an IP address in text is only verified. */
int rl_tls_connect(rl_tls *tls, rl_loop *loop, rl_stream *below, rl_tls_client *client, rl_slice name);

/* Returns one line for people: why the handshake or a record failed; "" if none did. Borrowed as long as the stream. */
const char *rl_tls_why(const rl_tls *tls);

#endif
