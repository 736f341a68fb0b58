/* The growable buffer of buf.h: doubles until its limit. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"

void rl_buf_init(rl_buf *buf, size_t limit) { *buf = (rl_buf){.limit = limit}; }

void rl_buf_free(rl_buf *buf) {
  rl_free(buf->data);
  rl_buf_init(buf, buf->limit);
}

static int fail(rl_buf *buf, int code) {
  if (!buf->error) buf->error = code;
  return code;
}

int rl_buf_grow(rl_buf *buf, size_t extra) {
  if (extra > buf->limit - buf->len) return fail(buf, RL_ETOOBIG);
  size_t need = buf->len + extra;
  if (need <= buf->cap) return RL_OK;
  size_t cap = buf->cap ? buf->cap : 64;
  while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
  if (cap > buf->limit) cap = buf->limit;
  char *data = rl_realloc(buf->data, cap);
  if (!data) return fail(buf, RL_ENOMEM);
  buf->data = data;
  buf->cap = cap;
  return RL_OK;
}

int rl_buf_add(rl_buf *buf, const void *data, size_t len) {
  int code = rl_buf_reserve(buf, len);
  if (code) return code;
  if (len) memcpy(buf->data + buf->len, data, len);
  buf->len += len;
  return RL_OK;
}

int rl_buf_add_slice(rl_buf *buf, rl_slice s) { return rl_buf_add(buf, s.data, s.len); }
int rl_buf_add_str(rl_buf *buf, const char *text) { return rl_buf_add(buf, text, strlen(text)); }
int rl_buf_add_u64(rl_buf *buf, uint64_t number) {
  char digits[20], *at = digits + sizeof digits;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  return rl_buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

int rl_buf_addf(rl_buf *buf, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int need = vsnprintf(NULL, 0, format, args);
  va_end(args);
  int code = need < 0 ? RL_EINVALID : rl_buf_reserve(buf, (size_t)need + 1);
  if (!code) {
    vsnprintf(buf->data + buf->len, (size_t)need + 1, format, again);
    buf->len += (size_t)need;
  }
  va_end(again);
  return code;
}

void rl_buf_consume(rl_buf *buf, size_t count) {
  buf->len -= count;
  if (buf->len && count) memmove(buf->data, buf->data + count, buf->len);
}

char *rl_buf_take(rl_buf *buf, size_t *len) {
  char *data = buf->data;
  *len = buf->len;
  rl_buf_init(buf, buf->limit);
  return data;
}
