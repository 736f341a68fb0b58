/* Accepting connections; see listener.h. */
#define _GNU_SOURCE
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/error.h"
#include "base/log.h"

enum { ACCEPTS_A_TURN = 64, SHED_A_TURN = 64, RETRY_MS = 100, SAY_MS = 10000 };

static int open_reserve(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

static int accept_one(rl_listener *listener, char peer[RL_ADDRESS_TEXT]) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  int fd = accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) rl_address_text((struct sockaddr *)&address, peer);
  return fd;
}

static void on_retry(rl_timer *timer);

static void retry_soon(rl_listener *listener) {
  uv_poll_stop(&listener->poll);
  rl_timer_start(listener->loop, &listener->retry, RETRY_MS, on_retry);
}

static bool may_go_on(rl_listener *listener) {
  bool (*on_short)(rl_listener *) = listener->events->on_short;
  return rl_descriptors_have_room() || (on_short && on_short(listener));
}

static void on_retry(rl_timer *timer) {
  rl_listener *listener = RL_CONTAINER(timer, rl_listener, retry);
  if (listener->reserve < 0) listener->reserve = open_reserve();
  if (listener->paused) return;
  if (!listener->is_short || may_go_on(listener)) rl_listener_start(listener);
  else retry_soon(listener);
}

/* The last connection has taken from the reserve: whoever comes now waits in the kernel's queue. Returns true if there is room
 * again at once. */
static bool wait_for_room(rl_listener *listener) {
  if (may_go_on(listener)) return true;
  uint64_t now = rl_loop_clock(listener->loop);
  if (!listener->said_short || now - listener->said_short > SAY_MS) {
    rl_logf(RL_LOG_WARN, "file descriptors run short: new connections wait, raise the limit (ulimit -n)");
    listener->said_short = now;
  }
  listener->is_short = true;
  retry_soon(listener);
  return false;
}

void rl_listener_check(rl_listener *listener) {
  if (!listener->is_short || listener->paused || listener->closed || !rl_descriptors_have_room()) return;
  rl_listener_start(listener);
}

/* Out of descriptors: the reserve is given up so that waiting clients can be accepted and closed, and taken back. */
static void shed(rl_listener *listener) {
  char peer[RL_ADDRESS_TEXT];
  uint64_t before = listener->shed;
  for (int i = 0; i < SHED_A_TURN && listener->reserve >= 0; i++) {
    close(listener->reserve);
    int fd = accept_one(listener, peer);
    if (fd >= 0) close(fd);
    listener->reserve = open_reserve();
    if (fd < 0) break;
    listener->shed++;
  }
  if (listener->shed > before)
    rl_logf(RL_LOG_WARN, "out of file descriptors: %llu connections turned away, raise the limit (ulimit -n)",
            (unsigned long long)(listener->shed - before));
  retry_soon(listener);
}

static void accept_some(rl_listener *listener, int most) {
  char peer[RL_ADDRESS_TEXT];
  for (int i = 0; i < most && !listener->paused && !listener->closed; i++) {
    int fd = accept_one(listener, peer);
    if (fd >= 0) {
      bool spare = most == ACCEPTS_A_TURN && rl_descriptor_is_spare(fd);
      listener->events->on_accept(listener, fd, peer);
      if (spare && !listener->paused && !wait_for_room(listener)) return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      shed(listener);
      return;
    } else if (errno == EAGAIN) {
      return;
    } /* ECONNABORTED and its like: that client is gone, the next one */
  }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  rl_listener *listener = poll->data;
  rl_loop_touch(listener->loop);
  accept_some(listener, ACCEPTS_A_TURN);
}

int rl_listener_init(rl_listener *listener, rl_loop *loop, int fd) {
  *listener = (rl_listener){.loop = loop, .fd = fd, .reserve = open_reserve()};
  if (uv_poll_init_socket(&loop->uv, &listener->poll, fd)) {
    close(fd);
    close(listener->reserve);
    return RL_ENOMEM;
  }
  listener->poll.data = listener;
  return RL_OK;
}

void rl_listener_start(rl_listener *listener) {
  if (listener->closed) return;
  listener->paused = listener->is_short = false;
  rl_timer_stop(listener->loop, &listener->retry);
  uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

void rl_listener_pause(rl_listener *listener) {
  if (listener->closed) return;
  listener->paused = true;
  uv_poll_stop(&listener->poll);
}

static void on_poll_closed(uv_handle_t *handle) {
  rl_listener *listener = handle->data;
  listener->events->on_closed(listener);
}

void rl_listener_close(rl_listener *listener) {
  if (listener->closed) return;
  accept_some(listener, 1 << 16); /* closing would reset those who wait in the queue */
  listener->closed = true;
  rl_timer_stop(listener->loop, &listener->retry);
  uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
  close(listener->fd);
  if (listener->reserve >= 0) close(listener->reserve);
}
