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
 * the same bytes, as it has on any stream. An idle stream holds no buffers, unless it is one of the last (buffers.h).
 *
 * Files are copied (RL_EUNSUPPORTED). The kernel's TLS would send them itself, but needs a socket for OpenSSL and the module `tls`; a
 * BIO of ours that claimed it would write plain text (openssl issue 14595).
 */
#ifndef RL_NET_TLS_TLS_H
#define RL_NET_TLS_TLS_H

#include "net/tls/state.h"

/* Takes the events of `below`, which is connected; closing the one closes the other. The caller sets events and owner of
 * tls->stream before the loop runs again, and frees nothing before on_closed. `below` outlives the stream. rl_tls_connect returns 0, or RL_ENOMEM: then `below` is untouched and no event comes. */
void rl_tls_accept(rl_tls *tls, rl_loop *loop, rl_stream *below, rl_tls_server *server);
/* `name` (copied) is asked for by SNI and verified; an IP address in text is only verified. The owner bounds how long the handshake
 * may take. */
int rl_tls_connect(rl_tls *tls, rl_loop *loop, rl_stream *below, rl_tls_client *client, rl_slice name);

/* Returns true if a request for `host`, a name in lower case, may come over this stream. `security` is that of a stream that a server
 * has accepted. */
bool rl_tls_agrees(const rl_security *security, rl_slice host);

/* Returns one line for people: why the handshake or a record failed; "" if none did. Borrowed as long as the stream. */
const char *rl_tls_why(const rl_tls *tls);

#endif
