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
#include "net/tls/store.h"

typedef struct rl_tls_server rl_tls_server;

/* `protocols`: for ALPN (RFC 7301), the preferred first, separated by commas: "h2,http/1.1"; "": it is not answered. A client whose
 * list has none of them gets the alert no_application_protocol. Takes a reference of the store. One thread uses it. Returns 0,
 * RL_ENOMEM, or RL_EINVAL (protocols), with one line in `why`. */
int rl_tls_server_new(rl_tls_server **out, rl_loop *loop, rl_tls_store *store, const char *protocols, rl_buf *why);
/* Gives up the owner's hold; streams that are open keep it alive. */
void rl_tls_server_del(rl_tls_server *server);
/* Applies the limits of handshakes (tls_handshakes, tls_handshake_rate, handshake_timeout) from now on. They are borrowed. */
void rl_tls_server_limit(rl_tls_server *server, const rl_limits *limits);

#endif
