/* The stack of a connection; see accept.h. */
#include "server/accept.h"

#include <unistd.h>

#include "base/alloc.h"
#include "http/h1/h1.h"
#include "net/tcp.h"

typedef struct stack {
  rl_conn conn;
  rl_tcp tcp;
  rl_handler *handler;
} stack;

rl_conn *rl_accept(rl_conn_host *host, const rl_listen_options *options, int fd, const char *peer) {
  stack *s = rl_alloc(sizeof *s);
  if (!s) {
    close(fd);
    return NULL;
  }
  if (rl_tcp_init(&s->tcp, host->loop, fd)) {
    rl_free(s);
    return NULL;
  }
  s->handler = options->handler;
  rl_conn_init(&s->conn, host, &s->tcp.stream, peer);
  rl_conn_become(&s->conn, options->protocol ? options->protocol : &rl_h1_protocol, RL_SLICE_NONE);
  return &s->conn; /* which is closing if its protocol did not open */
}

rl_handler *rl_accept_handler(const rl_conn *conn) { return RL_CONTAINER(conn, stack, conn)->handler; }

void rl_accept_free(rl_conn *conn) { rl_free(RL_CONTAINER(conn, stack, conn)); }
