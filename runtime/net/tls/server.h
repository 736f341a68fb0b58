/*
 * The server's role for the listeners of one worker: the SSL_CTX, made of the store's present snapshot, and whose turn it is to do a
 * handshake.
 *
 *   store (all workers) --snapshot--> rl_tls_server (one worker, one list of protocols) --SSL_new--> rl_tls
 *
 * It looks at the store's version at each connection and builds its SSL_CTX anew if that has changed; connections that are there
 * keep what they began with.
 */
#ifndef RL_NET_TLS_SERVER_H
#define RL_NET_TLS_SERVER_H

#include "base/limits.h"
#include "loop/loop.h"
#include "net/tls/buffers.h"
#include "net/tls/context.h"
#include "net/tls/store.h"
#include "net/tls/turns.h"

typedef struct rl_tls_server rl_tls_server;

/* `protocols`: for ALPN (RFC 7301), the preferred first, separated by commas: "h2,http/1.1"; "": it is not answered. A client whose
 * list has none of them gets the alert no_application_protocol. Takes a reference of the store. One thread uses it. Returns 0,
 * RL_ENOMEM, or RL_EINVALID (protocols), with one line in `why`. */
int rl_tls_server_new(rl_tls_server **out, rl_loop *loop, rl_tls_store *store, const char *protocols, rl_buf *why);
rl_tls_server *rl_tls_server_ref(rl_tls_server *server);
void rl_tls_server_unref(rl_tls_server *server);
/* Applies the limits of handshakes (tls_handshakes, tls_handshake_rate, tls_handshake_timeout) from now on. */
void rl_tls_server_limit(rl_tls_server *server, const rl_limits *limits);

/* ---- for rl_tls ---- */

/* Returns true if a client that has asked for the name `asked` ("": none) may ask for `host`, a name in lower case, on the same
 * connection: if it is the same, or has the same certificate and clients show none (RFC 9110 section 7.4). */
bool rl_tls_server_agrees(const rl_tls_server *server, rl_slice asked, rl_slice host);

/* Returns a new SSL for a connection, with the present certificates; NULL if out of memory. */
struct ssl_st *rl_tls_server_begin(rl_tls_server *server);
uint32_t rl_tls_server_handshake_ms(const rl_tls_server *server);
rl_turns *rl_tls_server_turns(rl_tls_server *server);
rl_tls_buffers *rl_tls_server_buffers(rl_tls_server *server);
/* Returns RL_TLS_PLAIN bytes, borrowed during one callback. */
char *rl_tls_server_plain(rl_tls_server *server);

#endif
