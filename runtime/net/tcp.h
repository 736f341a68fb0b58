/*
 * A stream over a connected socket, TCP or unix: non-blocking, level-triggered through uv_poll, read into the one buffer
 * of the loop. It uses uv_poll rather than uv_tcp because reads need no buffer per connection, sendfile and resets are plain
 * calls, and a broken connection is noticed while reading is stopped.
 */
#ifndef RL_NET_TCP_H
#define RL_NET_TCP_H

#include "loop/loop.h"
#include "net/stream.h"

typedef struct rl_tcp {
  rl_stream stream; /* first */
  rl_loop *loop;
  uv_poll_t poll;
  int fd;
  uint8_t wants;  /* RL_TCP_* */
  uint8_t active; /* the events that uv_poll watches now */
  bool closed;
} rl_tcp;

/* Takes the descriptor (connected, any mode; made non-blocking here). The caller sets events and owner before the loop runs
 * again. The struct is embedded and may be freed in on_closed. Returns 0, or an error: then the descriptor is closed and no
 * event comes. */
int rl_tcp_init(rl_tcp *tcp, rl_loop *loop, int fd);

/* Reads what has come, now rather than when the loop would, and calls back from inside. For a stream above it, in whose bytes there
 * may be nothing for anybody (TLS's own messages). Only while reading. */
void rl_tcp_read_now(rl_tcp *tcp);

/* Returns true if a read of that socket has something to say (bytes, the end, an error). Asks the kernel, because the loop
 * may not have told it yet, or told it before it was read. */
bool rl_socket_has_news(int fd);

#endif
