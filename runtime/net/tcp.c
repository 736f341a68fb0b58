/* Sockets as streams; see tcp.h and the contracts in stream.h. */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/os_error.h"

enum { WANT_READ = 1, WANT_WRITE = 2, WANT_HANGUP = 4 };
enum { READ_NOW = 16 << 10 };

static rl_tcp *tcp_of(rl_stream *stream) { return (rl_tcp *)stream; }

static void on_poll(uv_poll_t *poll, int status, int events);

/* Changes the events only if they differ, because each change costs two system calls inside libuv. */
static void watch(rl_tcp *tcp) {
  if (tcp->wants == tcp->active || tcp->closed) return;
  tcp->active = tcp->wants;
  int events = (tcp->wants & WANT_READ ? UV_READABLE : 0) | (tcp->wants & WANT_WRITE ? UV_WRITABLE : 0) |
               (tcp->wants & WANT_HANGUP ? UV_DISCONNECT : 0);
  if (events) uv_poll_start(&tcp->poll, events, on_poll);
  else uv_poll_stop(&tcp->poll);
}

static void want(rl_tcp *tcp, uint8_t add, uint8_t drop) {
  tcp->wants = (uint8_t)((tcp->wants & ~drop) | add);
  watch(tcp);
}

static void fail(rl_tcp *tcp, int code) {
  want(tcp, 0, WANT_READ | WANT_WRITE | WANT_HANGUP);
  tcp->stream.events->on_error(&tcp->stream, code);
}

static int socket_error(rl_tcp *tcp) {
  int saved = 0;
  socklen_t len = sizeof saved;
  getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &saved, &len);
  return saved ? rl_error_from_errno(saved) : RL_ERESET;
}

static void read_some(rl_tcp *tcp, char *buffer, size_t size) {
  ssize_t n = recv(tcp->fd, buffer, size, 0);
  if (n > 0) {
    tcp->stream.events->on_data(&tcp->stream, rl_slice_of(buffer, (size_t)n));
  } else if (n == 0) {
    want(tcp, 0, WANT_READ | WANT_HANGUP);
    tcp->stream.events->on_eof(&tcp->stream);
  } else if (errno != EAGAIN && errno != EINTR) {
    fail(tcp, rl_error_from_errno(errno));
  }
}

/* Reads what a broken connection brought before it broke (an answer, then a reset because the rest of the request is not
 * wanted): first these bytes, a piece each turn. */
static void read_before_failing(rl_tcp *tcp) {
  ssize_t n = recv(tcp->fd, tcp->loop->read_buffer, RL_LIMIT_READ_BUFFER, 0);
  if (n <= 0) {
    fail(tcp, n < 0 && errno != EAGAIN && errno != EINTR ? rl_error_from_errno(errno) : socket_error(tcp));
    return;
  }
  tcp->stream.events->on_data(&tcp->stream, rl_slice_of(tcp->loop->read_buffer, (size_t)n));
  watch(tcp);
}

/* Handles a hang-up while reading is stopped. After a FIN there may be a whole request, so only a broken connection is
 * reported. */
static void hung_up(rl_tcp *tcp) {
  char byte;
  want(tcp, 0, WANT_HANGUP);
  if (recv(tcp->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EINTR)
    fail(tcp, rl_error_from_errno(errno));
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  rl_tcp *tcp = poll->data;
  rl_loop_touch(tcp->loop);
  if (status < 0) {
    tcp->active = 0; /* libuv stopped the handle */
    if (!(tcp->wants & WANT_READ)) fail(tcp, socket_error(tcp));
    else read_before_failing(tcp);
    return;
  }
  if (events & UV_WRITABLE && tcp->wants & WANT_WRITE) {
    want(tcp, 0, WANT_WRITE);
    tcp->stream.events->on_writable(&tcp->stream);
  }
  if (tcp->closed) return;
  if (events & UV_READABLE && tcp->wants & WANT_READ) read_some(tcp, tcp->loop->read_buffer, RL_LIMIT_READ_BUFFER);
  else if (events & UV_DISCONNECT && tcp->wants & WANT_HANGUP) hung_up(tcp);
}

static void read_start(rl_stream *stream) { want(tcp_of(stream), WANT_READ, WANT_HANGUP); }
static void read_stop(rl_stream *stream) { want(tcp_of(stream), WANT_HANGUP, WANT_READ); }
static void want_writable(rl_stream *stream) { want(tcp_of(stream), WANT_WRITE, 0); }

static ssize_t write_parts(rl_stream *stream, const struct iovec *parts, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
  int fd = tcp_of(stream)->fd, flags = MSG_NOSIGNAL | (stream->more ? MSG_MORE : 0);
  ssize_t n;
  do n = count == 1 ? send(fd, parts->iov_base, parts->iov_len, flags) : sendmsg(fd, &message, flags);
  while (n < 0 && errno == EINTR);
  return n >= 0 ? n : rl_error_from_errno(errno);
}

static ssize_t send_file(rl_stream *stream, int fd, int64_t *offset, size_t size) {
  off_t at = *offset;
  ssize_t n;
  do n = sendfile(tcp_of(stream)->fd, fd, &at, size);
  while (n < 0 && errno == EINTR);
  if (n == 0) return RL_EEOF;
  if (n < 0) return errno == EINVAL || errno == ENOSYS ? RL_EUNSUPPORTED : rl_error_from_errno(errno);
  *offset = at;
  return n;
}

static void shut_down(rl_stream *stream) { shutdown(tcp_of(stream)->fd, SHUT_WR); }

static void on_poll_closed(uv_handle_t *handle) {
  rl_tcp *tcp = handle->data;
  tcp->stream.events->on_closed(&tcp->stream);
}

static void close_stream(rl_stream *stream, bool reset) {
  rl_tcp *tcp = tcp_of(stream);
  if (tcp->closed) return;
  tcp->closed = true;
  uv_close((uv_handle_t *)&tcp->poll, on_poll_closed);
  if (reset) setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  close(tcp->fd);
  tcp->fd = -1;
}

static const rl_stream_ops tcp_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_parts,
    .send_file = send_file,
    .want_writable = want_writable,
    .shutdown = shut_down,
    .close = close_stream,
};

int rl_tcp_init(rl_tcp *tcp, rl_loop *loop, int fd) {
  *tcp = (rl_tcp){.stream.ops = &tcp_ops, .loop = loop, .fd = fd};
  if (uv_poll_init_socket(&loop->uv, &tcp->poll, fd)) {
    close(fd);
    return RL_ENOMEM;
  }
  tcp->poll.data = tcp;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* ENOTSUP on a unix socket is fine */
  return RL_OK;
}

/* The loop's buffer holds what somebody else reads: a handler runs in the callback of the connection that asked it. */
void rl_tcp_read_now(rl_tcp *tcp) {
  char buffer[READ_NOW];
  if (!tcp->closed && tcp->wants & WANT_READ) read_some(tcp, buffer, sizeof buffer);
}

bool rl_socket_has_news(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}
