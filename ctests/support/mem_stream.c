/* A scripted stream in memory; see mem_stream.h. */
#include "support/mem_stream.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

struct mem_piece {
  mem_piece *next;
  char *data;
  size_t len;
};

static mem_stream *mem_of(rl_stream *stream) { return (mem_stream *)stream; }

/* ---- events, one a turn ---------------------------------------------------------------------------------------------- */

static void on_turn(rl_post *post);

static void turn_soon(mem_stream *s) { rl_loop_post(s->loop, &s->turn, on_turn); }

static void free_first(mem_stream *s) {
  mem_piece *piece = s->first;
  s->first = piece->next;
  if (!s->first) s->last = NULL;
  free(piece->data);
  free(piece);
}

static void deliver_piece(mem_stream *s) {
  mem_piece piece = *s->first;
  s->first->data = NULL;
  free_first(s);
  s->stream.events->on_data(&s->stream, rl_slice_of(piece.data, piece.len));
  free(piece.data);
}

static void on_turn(rl_post *post) {
  mem_stream *s = RL_CONTAINER(post, mem_stream, turn);
  if (s->closed) {
    if (s->done) return;
    s->done = true;
    s->stream.events->on_closed(&s->stream);
    return;
  }
  if (s->broken) {
    if (s->broken_told) return;
    s->broken_told = true;
    s->stream.events->on_error(&s->stream, s->broken);
    return;
  }
  if (s->wants_writable && s->room) {
    s->wants_writable = false;
    s->stream.events->on_writable(&s->stream);
  } else if (s->reading && s->first) {
    deliver_piece(s);
  } else if (!s->first && s->eof && !s->eof_told && (s->reading || !s->late_eof)) {
    s->eof_told = true;
    s->stream.events->on_eof(&s->stream);
  } else {
    return;
  }
  turn_soon(s);
}

/* ---- calls of the owner -------------------------------------------------------------------------------------------------- */

static void read_start(rl_stream *stream) {
  mem_of(stream)->reading = true;
  turn_soon(mem_of(stream));
}

static void read_stop(rl_stream *stream) { mem_of(stream)->reading = false; }

static void want_writable(rl_stream *stream) {
  mem_of(stream)->wants_writable = true;
  turn_soon(mem_of(stream));
}

static void keep(mem_stream *s, const char *data, size_t len) {
  if (s->out_len + len > s->out_cap) {
    s->out_cap = (s->out_len + len) * 2;
    s->out = realloc(s->out, s->out_cap);
    if (!s->out) abort();
  }
  memcpy(s->out + s->out_len, data, len);
  s->out_len += len;
}

static bool refuses(mem_stream *s) {
  if (!s->refusals || s->refused) {
    s->refused = false;
    return false;
  }
  s->refusals--;
  return s->refused = true;
}

static ssize_t write_parts(rl_stream *stream, const struct iovec *parts, int count) {
  mem_stream *s = mem_of(stream);
  if (s->closed || s->shut) abort(); /* the owner must not write any more */
  if (s->broken) return s->broken;
  if (s->write_error && s->good_writes-- == 0) {
    s->good_writes = 0;
    return s->write_error;
  }
  size_t most = s->room < s->most ? s->room : s->most, done = 0;
  if (!most || refuses(s)) return RL_EAGAIN;
  for (int i = 0; i < count && done < most; i++) {
    size_t len = parts[i].iov_len < most - done ? parts[i].iov_len : most - done;
    keep(s, parts[i].iov_base, len);
    done += len;
  }
  if (s->room != SIZE_MAX) s->room -= done;
  return (ssize_t)done;
}

static ssize_t send_file(rl_stream *stream, int fd, int64_t *offset, size_t size) {
  char piece[4096];
  if (mem_of(stream)->no_files) return RL_EUNSUPPORTED;
  ssize_t got = pread(fd, piece, size < sizeof piece ? size : sizeof piece, (off_t)*offset);
  if (got < 0) abort(); /* the owner has closed the file too early */
  if (got == 0) return RL_EEOF;
  ssize_t n = rl_stream_write(stream, rl_slice_of(piece, (size_t)got));
  if (n > 0) *offset += n;
  return n;
}

static void shut_down(rl_stream *stream) { mem_of(stream)->shut = true; }

static void close_stream(rl_stream *stream, bool reset) {
  mem_stream *s = mem_of(stream);
  if (s->closed) return;
  s->closed = true;
  s->reset = reset;
  turn_soon(s);
}

static const rl_stream_ops ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_parts,
    .send_file = send_file,
    .want_writable = want_writable,
    .shutdown = shut_down,
    .close = close_stream,
};

/* ---- calls of the test ---------------------------------------------------------------------------------------------------- */

void mem_stream_init(mem_stream *s, rl_loop *loop) {
  *s = (mem_stream){.stream.ops = &ops, .loop = loop, .room = SIZE_MAX, .most = SIZE_MAX};
  rl_post_init(&s->turn);
}

void mem_stream_free(mem_stream *s) {
  rl_loop_unpost(s->loop, &s->turn);
  while (s->first) free_first(s);
  free(s->out);
  s->out = NULL;
}

static void feed_piece(mem_stream *s, const char *data, size_t len) {
  mem_piece *piece = malloc(sizeof *piece);
  if (!piece || !(piece->data = malloc(len))) abort();
  memcpy(piece->data, data, len);
  piece->len = len;
  piece->next = NULL;
  if (s->last) s->last->next = piece;
  else s->first = piece;
  s->last = piece;
}

void mem_stream_feed(mem_stream *s, rl_slice bytes) {
  while (bytes.len && !s->eof) { /* after a FIN nothing comes */
    size_t len = bytes.len < RL_LIMIT_READ_BUFFER ? bytes.len : RL_LIMIT_READ_BUFFER;
    feed_piece(s, bytes.data, len);
    bytes = rl_slice_of(bytes.data + len, bytes.len - len);
  }
  turn_soon(s);
}

void mem_stream_eof(mem_stream *s) {
  s->eof = true;
  turn_soon(s);
}

void mem_stream_break(mem_stream *s, int code) {
  while (s->first) free_first(s);
  s->broken = code;
  turn_soon(s);
}

void mem_stream_take(mem_stream *s, size_t bytes) {
  s->room = bytes > SIZE_MAX - s->room ? SIZE_MAX : s->room + bytes;
  turn_soon(s);
}
