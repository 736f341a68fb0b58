/* The stack of a connection; see accept.h. */
#include "server/accept.h"

#include <unistd.h>

#include "base/alloc.h"
#include "http/h1/h1.h"
#include "net/tcp.h"
#include "net/tls/tls.h"

/* Only a listener with TLS has connections with the second part. */
typedef struct stack {
  rl_conn conn;
  rl_tcp tcp;
  rl_handler *handler;
} stack;

typedef struct tls_stack {
  stack plain; /* first */
  rl_tls tls;
} tls_stack;

/* Returns the stream that the connection reads: TLS, or the socket itself. */
static rl_stream *set_up_tls(stack *s, rl_conn_host *host, rl_tls_server *server) {
  if (!server) return &s->tcp.stream;
  rl_tls *tls = &((tls_stack *)(void *)s)->tls;
  rl_tls_server_limit(server, &host->limits);
  rl_tls_accept(tls, host->loop, &s->tcp.stream, server);
  return &tls->stream;
}

rl_conn *rl_accept(rl_conn_host *host, const rl_listen_options *options, int fd, const char *peer) {
  stack *s = rl_alloc(options->tls ? sizeof(tls_stack) : sizeof(stack));
  if (!s) {
    close(fd);
    return NULL;
  }
  if (rl_tcp_init(&s->tcp, host->loop, fd)) {
    rl_free(s);
    return NULL;
  }
  s->handler = options->handler;
  rl_conn_init(&s->conn, host, set_up_tls(s, host, options->tls), peer);
  rl_conn_become(&s->conn, options->protocol ? options->protocol : &rl_h1_protocol, RL_SLICE_NONE);
  return &s->conn; /* which is closing if its protocol did not open */
}

rl_handler *rl_accept_handler(const rl_conn *conn) { return RL_CONTAINER(conn, stack, conn)->handler; }

void rl_accept_free(rl_conn *conn) { rl_free(RL_CONTAINER(conn, stack, conn)); }
