/*
 * What a connection is made of: a socket that was accepted becomes a stream, a connection, and a protocol on it.
 *
 *   listener --fd--> rl_tcp [--> rl_tls] --> rl_conn --> the listener's protocol
 *
 * All of it is one piece of memory, but for what the protocol and OpenSSL make themselves.
 */
#ifndef RL_SERVER_ACCEPT_H
#define RL_SERVER_ACCEPT_H

#include "http/conn.h"
#include "net/tls/server.h"

typedef struct rl_handler rl_handler; /* worker.h */

/* How one listener differs from another. */
typedef struct rl_listen_options {
  const rl_protocol *protocol; /* what its connections begin with; NULL: HTTP/1 */
  rl_handler *handler;         /* answers its requests, borrowed; NULL: the worker's */
  rl_tls_server *tls;          /* borrowed, of the worker's thread; NULL: its connections are plain */
} rl_listen_options;

/* Takes a connected socket. `peer` is borrowed until return. The connection is the caller's, who frees it by rl_accept_free in
 * rl_conn_events.on_closed. Returns NULL if out of memory: then the descriptor is closed. */
rl_conn *rl_accept(rl_conn_host *host, const rl_listen_options *options, int fd, const char *peer);
void rl_accept_free(rl_conn *conn);
/* Returns the handler of the connection's listener; NULL: the worker's. */
rl_handler *rl_accept_handler(const rl_conn *conn);

#endif
