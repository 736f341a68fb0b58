/* A response on its way; see outflow.h. */
#include "http/h2/outflow.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

void rl_h2_outflow_init(rl_h2_outflow *f) {
  *f = (rl_h2_outflow){.file = -1};
  rl_buf_init(&f->queue, RL_BUF_NO_LIMIT);
}

void rl_h2_outflow_drop(rl_h2_outflow *f) {
  f->queue_at = 0;
  rl_buf_free(&f->queue);
  f->file_left = 0;
}

void rl_h2_outflow_free(rl_h2_outflow *f) {
  rl_h2_outflow_drop(f);
  rl_free(f->trailers);
}

int rl_h2_outflow_add(rl_h2_outflow *f, rl_slice bytes) {
  int code = rl_buf_add_slice(&f->queue, bytes);
  f->queue.error = 0;
  return code;
}

void rl_h2_outflow_add_file(rl_h2_outflow *f, int fd, uint64_t offset, uint64_t size) {
  f->file = fd;
  f->file_at = offset;
  f->file_left = size;
}

static char *put(char *at, rl_slice *text) {
  if (text->len) memcpy(at, text->data, text->len);
  text->data = at;
  return at + text->len;
}

int rl_h2_outflow_keep_trailers(rl_h2_outflow *f, const rl_header *trailers, size_t count) {
  size_t size = count * sizeof *trailers;
  for (size_t i = 0; i < count; i++) size += trailers[i].name.len + trailers[i].value.len;
  f->trailers = rl_alloc(size);
  if (!f->trailers) return RL_ENOMEM;
  char *at = (char *)(f->trailers + count);
  for (size_t i = 0; i < count; i++) {
    f->trailers[i] = trailers[i];
    at = put(at, &f->trailers[i].name);
    at = put(at, &f->trailers[i].value);
  }
  f->trailer_count = count;
  return RL_OK;
}

size_t rl_h2_outflow_front(const rl_h2_outflow *f, size_t most, bool *last) {
  size_t bytes = f->borrowed.len ? f->borrowed.len : rl_h2_outflow_queued(f);
  uint64_t front = bytes ? bytes : f->file_left;
  size_t size = front < most ? (size_t)front : most;
  *last = f->ended && size == f->borrowed.len + rl_h2_outflow_queued(f) + f->file_left;
  return size;
}

static void move_queue(rl_h2_outflow *f, size_t size, rl_buf *out) {
  rl_buf_add(out, f->queue.data + f->queue_at, size);
  f->queue_at += size;
  if (f->queue_at < f->queue.len) return;
  f->queue_at = 0;
  rl_buf_free(&f->queue);
}

static int move_file(rl_h2_outflow *f, size_t size, rl_buf *out) {
  while (size) {
    ssize_t n = pread(f->file, out->data + out->len, size, (off_t)f->file_at);
    if (n <= 0) return RL_EEOF;
    out->len += (size_t)n;
    f->file_at += (uint64_t)n;
    f->file_left -= (uint64_t)n;
    size -= (size_t)n;
  }
  return RL_OK;
}

int rl_h2_outflow_move(rl_h2_outflow *f, size_t size, rl_buf *out) {
  if (f->borrowed.len) {
    rl_buf_add(out, f->borrowed.data, size);
    rl_slice_skip(&f->borrowed, size);
  } else if (f->queue.len) {
    move_queue(f, size, out);
  } else {
    return move_file(f, size, out);
  }
  return RL_OK;
}
