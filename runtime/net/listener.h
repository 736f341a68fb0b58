/*
 * A listener: accepts connections from one listening socket. Floods are met in four ways: it accepts a bounded number a
 * turn; it pauses while the owner says it is full; if a connection has taken from the reserve of descriptors
 * (base/descriptors.h) the others wait in the kernel's queue until there is room; and when the process has none at all it sheds
 * what waits (with a descriptor of its own kept for that) and tries again shortly, instead of spinning.
 */
#ifndef RL_NET_LISTENER_H
#define RL_NET_LISTENER_H

#include "loop/loop.h"
#include "net/address.h"

typedef struct rl_listener rl_listener;

typedef struct rl_listener_events {
  /* A connection: the owner takes `fd`. `peer` is the client's IP as text, borrowed. */
  void (*on_accept)(rl_listener *listener, int fd, const char *peer);
  /* Few descriptors are left: closes what can be spared now. Returns true if something was, or if one more connection
   * must get in all the same, because there is none. NULL: false. */
  bool (*on_short)(rl_listener *listener);
  void (*on_closed)(rl_listener *listener);
} rl_listener_events;

struct rl_listener {
  const rl_listener_events *events;
  void *owner;
  rl_loop *loop;
  uv_poll_t poll;
  rl_timer retry;
  int fd, reserve;
  bool paused, closed;
  bool is_short;       /* waits for room in the reserve of descriptors */
  uint64_t said_short; /* when the log was told so, or 0 */
  uint64_t shed;       /* connections turned away for want of descriptors */
};

/* Takes the listening socket. Events and owner are set by the caller. 0, or an error: then the descriptor is closed. */
int rl_listener_init(rl_listener *listener, rl_loop *loop, int fd);
void rl_listener_start(rl_listener *listener);
/* The owner is full: what arrives waits in the kernel's queue until rl_listener_start. */
void rl_listener_pause(rl_listener *listener);
/* A descriptor was given back: goes on if that makes room. */
void rl_listener_check(rl_listener *listener);
/* Accepts what waits, then stops for good; on_closed follows. */
void rl_listener_close(rl_listener *listener);

#endif
