/* JSON: the writer of scalars of json.h. */
#include "base/json.h"

#include <math.h>

#include "base/ascii.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_plain.h"
#include "base/utf8.h"

/* How an ASCII byte is written inside a string. 0: as itself, 'u': as \u00XX, otherwise the letter after the backslash. */
static const char escapes[128] = {
    // clang-format off
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
    ['"'] = '"', ['\\'] = '\\', [127] = 'u',
    // clang-format on
};

static char *put_escape(char *out, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  *out++ = '\\';
  *out++ = escapes[c];
  if (escapes[c] != 'u') return out;
  *out++ = '0';
  *out++ = '0';
  *out++ = hex[c >> 4];
  *out++ = hex[c & 15];
  return out;
}

/* A string is written in blocks, so that no more room is asked for than a block may need: six bytes for one, what
 * copying wants to spare, and the quotes. */
enum { BLOCK = 512 };
static size_t room_for(size_t len) { return len * 6 + RL_JSON_COPY_SPARE + 2; }

/* Copies a run of characters beyond ASCII, up to `end`. Returns where it ends, or NULL if it is no UTF-8. */
static const char *copy_beyond_ascii(char **to, const char *at, const char *stop, const char *end) {
  char *out = *to;
  while (at < stop && (unsigned char)*at >= 0x80) {
    size_t step = rl_utf8_step(at, (size_t)(end - at));
    if (!step) return NULL;
    *out++ = *at++;
    *out++ = *at++;
    for (size_t i = 2; i < step; i++) *out++ = *at++;
  }
  *to = out;
  return at;
}

/* Copies with escapes up to `stop`, and past it if the last character ends there. Returns 0 or RL_EUTF8. */
static inline int copy_escaped(char **to, const char **at, const char *stop, const char *end) {
  char *out = *to;
  const char *from = *at;
  for (;;) {
    const char *special = from < stop ? rl_json_copy_plain(out, from, stop) : from;
    out += special - from;
    from = special;
    if (from >= stop) break;
    if ((unsigned char)*from < 0x80) out = put_escape(out, (unsigned char)*from++);
    else if (!(from = copy_beyond_ascii(&out, from, stop, end))) return RL_EUTF8;
  }
  *to = out;
  *at = from;
  return RL_OK;
}

/* Writes the next block of a string, up to `stop`, with the quotes where it begins or ends. */
static inline int put_block(char **to, const char **at, const char *stop, const char *end, bool first) {
  if (first) *(*to)++ = '"';
  if (copy_escaped(to, at, stop, end)) return RL_EUTF8;
  if (*at == end) *(*to)++ = '"';
  return RL_OK;
}

/* Writes a block whose worst case would not fit the buffer's limit: the bytes written count, not those that might have
 * been. */
static __attribute__((noinline)) int add_block(rl_buf *out, const char **at, const char *stop, const char *end,
                                               bool first) {
  char spare[BLOCK * 6 + RL_JSON_COPY_SPARE + 2], *to = spare;
  int code = put_block(&to, at, stop, end, first);
  return code ? code : rl_buf_add(out, spare, (size_t)(to - spare));
}

static inline int write_block(rl_buf *out, const char **at, const char *end, bool first) {
  const char *stop = end - *at > BLOCK ? *at + BLOCK : end;
  size_t room = room_for((size_t)(stop - *at));
  if (out->limit - out->len < room) return add_block(out, at, stop, end, first);
  if (rl_buf_reserve(out, room)) return out->error;
  char *to = out->data + out->len;
  int code = put_block(&to, at, stop, end, first);
  if (!code) out->len = (size_t)(to - out->data);
  return code;
}

/* Returns SIZE_MAX if there is no room; it has written nothing then. */
static inline __attribute__((always_inline)) size_t write_front(rl_buf *out, rl_slice s) {
  size_t room = s.len + RL_JSON_STRING_SPARE;
  if (out->cap - out->len < room || out->limit - out->len < room) return SIZE_MAX;
  size_t front = rl_json_put_front(out->data + out->len, s);
  out->len += front + 1 + (front == s.len);
  return front;
}

/* Writes what comes after the front. */
static __attribute__((noinline)) int write_rest(rl_buf *out, rl_slice s, size_t front, size_t before) {
  bool first = front == SIZE_MAX;
  const char *at = first ? s.data : s.data + front, *end = s.data + s.len;
  int code;
  do code = write_block(out, &at, end, first), first = false;
  while (!code && at < end);
  if (code) out->len = before;
  return code;
}

int rl_json_write_string(rl_buf *out, rl_slice s) {
  size_t before = out->len, front = write_front(out, s);
  return front == s.len ? RL_OK : write_rest(out, s, front, before);
}

int rl_json_finish_string(rl_buf *out, rl_slice s, size_t front) {
  size_t before = out->len;
  out->len += front + 1;
  return write_rest(out, s, front, before);
}

static bool is_plain_ascii(rl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.data[i] >= 0x7F) return false;
  return true;
}

/* Writes one character, or one byte that is no UTF-8. */
static void add_point(rl_buf *out, uint32_t point, const char *bytes, size_t len) {
  bool escaped = rl_utf8_is_control(point) || point == '"' || point == '\\' || (len == 1 && point >= 0x80);
  if (escaped) rl_buf_addf(out, "\\u%04x", point);
  else rl_buf_add(out, bytes, len);
}

int rl_json_write_bytes(rl_buf *out, rl_slice s) {
  if (is_plain_ascii(s)) return rl_json_write_string(out, s);
  bool formed = rl_utf8_valid(s);
  rl_buf_add_char(out, '"');
  for (size_t i = 0, step; i < s.len; i += step) {
    const char *at = s.data + i;
    step = formed ? rl_utf8_step(at, s.len - i) : 1;
    add_point(out, formed ? rl_utf8_decode(at, step) : (unsigned char)*at, at, step);
  }
  return rl_buf_add_char(out, '"');
}

int rl_json_write_integer(rl_buf *out, int64_t number) {
  if (out->limit - out->len < RL_DECIMAL_MAX) {
    char text[RL_DECIMAL_MAX];
    return rl_buf_add(out, text, rl_decimal_write_integer(number, text));
  }
  if (rl_buf_reserve(out, RL_DECIMAL_MAX)) return out->error;
  out->len += rl_decimal_write_integer(number, out->data + out->len);
  return RL_OK;
}

int rl_json_write_number(rl_buf *out, double number) {
  if (!isfinite(number)) return RL_EINVALID;
  if (out->limit - out->len < RL_DECIMAL_MAX) {
    char text[RL_DECIMAL_MAX];
    return rl_buf_add(out, text, rl_decimal_write(number, text));
  }
  if (rl_buf_reserve(out, RL_DECIMAL_MAX)) return out->error;
  out->len += rl_decimal_write(number, out->data + out->len);
  return RL_OK;
}
