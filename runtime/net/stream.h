/*
 * A stream: two directions of bytes. TCP, unix sockets, later TLS, and the in-memory pair of the tests are all this shape
 * (redis' connection.h, curl's cfilters.h), so nobody above can tell one from the other.
 *
 *            on_data, on_eof, on_error, on_writable, on_closed        (rl_stream_events: filled by the owner above)
 *                 ^
 *   owner  --read_start, read_stop, write, send_file, want_writable, shutdown, close-->  stream   (rl_stream_ops)
 *
 * A stream holds no bytes: what `write` does not take stays with the caller, who asks for one on_writable and tries again.
 * That is all there is to backpressure. Events come from the loop, never from inside a call.
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
  /* One answer to want_writable. */
  void (*on_writable)(rl_stream *stream);
  /* The last event, some time after close: the owner may free what holds the stream. */
  void (*on_closed)(rl_stream *stream);
} rl_stream_events;

typedef struct rl_stream_ops {
  void (*read_start)(rl_stream *stream);
  /* No on_data until read_start; a broken connection is still noticed. */
  void (*read_stop)(rl_stream *stream);
  /* Takes as many of the bytes as fit now: that number (> 0), RL_EAGAIN for none, or RL_ERESET, RL_EIO. */
  ssize_t (*write)(rl_stream *stream, const struct iovec *parts, int count);
  /* As write, from a file at *offset, which it moves. RL_EUNSUPPORTED: the caller copies instead. RL_EEOF: the file ended. */
  ssize_t (*send_file)(rl_stream *stream, int fd, int64_t *offset, size_t size);
  void (*want_writable)(rl_stream *stream);
  /* No more writes: the peer sees the end once everything taken has arrived. */
  void (*shutdown)(rl_stream *stream);
  /* Ends it; with `reset` the peer learns that at once and unsent bytes are lost. on_closed follows, nothing else. */
  void (*close)(rl_stream *stream, bool reset);
} rl_stream_ops;

/* First member of every kind of stream. */
struct rl_stream {
  const rl_stream_ops *ops;
  const rl_stream_events *events;
  void *owner; /* whose events these are */
  bool more;   /* a hint for write: a file follows at once, so a last small packet may wait for it */
  bool secure; /* what it carries is encrypted on the way to the peer: requests are https */
};

static inline ssize_t rl_stream_write(rl_stream *s, rl_slice bytes) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
  return s->ops->write(s, &part, 1);
}

#endif
