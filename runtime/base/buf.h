/*
 * A growable run of bytes with a limit (curl's dynbuf.h: the limit is a constructor argument).
 *
 *      data          data+len       data+cap
 *       |   contents   |   room       |           limit >= len always
 *
 * A failed call (RL_ENOMEM, RL_ETOOBIG) leaves the contents as they were and is remembered in `error`, so that a writer
 * may append many pieces and look once at the end. Embedded; rl_buf_free gives the memory back and leaves a usable, empty
 * buffer with the same limit.
 */
#ifndef RL_BASE_BUF_H
#define RL_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

typedef struct rl_buf {
  char *data;
  size_t len, cap, limit;
  int error; /* the first failure since init or clear, or 0 */
} rl_buf;

#define RL_BUF_NO_LIMIT SIZE_MAX

void rl_buf_init(rl_buf *buf, size_t limit);
void rl_buf_free(rl_buf *buf);
/* Empties it and clears its error; keeps the memory. */
static inline void rl_buf_clear(rl_buf *buf) { buf->len = 0, buf->error = 0; }

/* Makes room for `extra` more bytes after len. Returns 0, RL_ENOMEM or RL_ETOOBIG. */
int rl_buf_grow(rl_buf *buf, size_t extra);
static inline int rl_buf_reserve(rl_buf *buf, size_t extra) {
  return buf->cap - buf->len >= extra && buf->limit - buf->len >= extra ? 0 : rl_buf_grow(buf, extra);
}

int rl_buf_add(rl_buf *buf, const void *data, size_t len);
int rl_buf_add_slice(rl_buf *buf, rl_slice s);
int rl_buf_add_str(rl_buf *buf, const char *text);
static inline int rl_buf_add_char(rl_buf *buf, char c) {
  if (rl_buf_reserve(buf, 1)) return buf->error;
  buf->data[buf->len++] = c;
  return 0;
}
int rl_buf_add_u64(rl_buf *buf, uint64_t number);
int rl_buf_addf(rl_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops `count` bytes from the front (count <= len). */
void rl_buf_consume(rl_buf *buf, size_t count);
/* Hands the bytes to the caller (rl_free) and leaves the buffer empty. Returns NULL if it held nothing. */
char *rl_buf_take(rl_buf *buf, size_t *len) __attribute__((warn_unused_result));
/* Returns what is in it, borrowed until the next call that changes the buffer. */
static inline rl_slice rl_buf_slice(const rl_buf *buf) { return (rl_slice){buf->data, buf->len}; }

#endif
