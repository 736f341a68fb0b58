/*
 * A stream: two directions of bytes. TCP, unix sockets, later TLS, and the in-memory pair of the tests all have this interface
 * (as redis' connection.h and curl's cfilters.h), so the rooms above cannot tell them apart.
 *
 *            on_data, on_eof, on_error, on_writable, on_closed        (rl_stream_events: filled by the owner above)
 *                 ^
 *   owner  --read_start, read_stop, write, send_file, want_writable, shutdown, close-->  stream   (rl_stream_ops)
 *
 * A stream holds no bytes: what `write` does not take stays with the caller, who asks for one on_writable and tries again.
 * There is no other backpressure. Events come from the loop, never from inside a call.
 */
#ifndef RL_NET_STREAM_H
#define RL_NET_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/slice.h"

typedef struct rl_stream rl_stream;

typedef struct rl_stream_events {
  /* Bytes that arrived, at least one; borrowed until return. The owner may close the stream in here. */
  void (*on_data)(rl_stream *stream, rl_slice bytes);
  /* The peer has finished sending. Once; no on_data after it. */
  void (*on_eof)(rl_stream *stream);
  /* The connection is broken (RL_ERESET, RL_ETIMEOUT, RL_EIO). Once, and only close is allowed after it. */
  void (*on_error)(rl_stream *stream, int code);
  /* Answers want_writable, once. */
  void (*on_writable)(rl_stream *stream);
  /* The last event, some time after close: the owner may free what holds the stream. */
  void (*on_closed)(rl_stream *stream);
} rl_stream_events;

typedef struct rl_stream_ops {
  void (*read_start)(rl_stream *stream);
  /* No on_data comes until read_start; a broken connection is still noticed. */
  void (*read_stop)(rl_stream *stream);
  /* Takes as many of the bytes as fit now. Returns that number (> 0), RL_EAGAIN for none, or RL_ERESET, RL_EIO. */
  ssize_t (*write)(rl_stream *stream, const struct iovec *parts, int count);
  /* Writes from a file at *offset, which it moves. Returns as write does; RL_EUNSUPPORTED: the caller copies instead;
   * RL_EEOF: the file ended. */
  ssize_t (*send_file)(rl_stream *stream, int fd, int64_t *offset, size_t size);
  void (*want_writable)(rl_stream *stream);
  /* Ends writing: the peer sees the end once everything taken has arrived. */
  void (*shutdown)(rl_stream *stream);
  /* Ends it. With `reset` the peer learns that at once and unsent bytes are lost. Only on_closed follows. */
  void (*close)(rl_stream *stream, bool reset);
} rl_stream_ops;

/* What a TLS handshake has agreed on, and with whom. It lives as long as its stream. */
typedef struct rl_security {
  rl_slice protocol;       /* by ALPN (RFC 7301): "h2", "http/1.1"; "": none was agreed on */
  rl_slice server_name;    /* that the client asked for (SNI, RFC 6066 section 3), in lower case; "": none */
  const void *certificate; /* the client's, verified; NULL: none was asked for or given (net/tls/certificate.h) */
} rl_security;

/* First member of every kind of stream. */
struct rl_stream {
  const rl_stream_ops *ops;
  const rl_stream_events *events;
  void *owner;                 /* the owner of these events */
  bool more;                   /* a hint for write: a file follows at once, so a last small packet may wait for it */
  bool secure;                 /* what it carries is encrypted on the way to the peer: requests are https */
  const rl_security *security; /* filled before the first on_data of a secure stream; NULL: not by TLS */
};

static inline ssize_t rl_stream_write(rl_stream *s, rl_slice bytes) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
  return s->ops->write(s, &part, 1);
}

#endif
