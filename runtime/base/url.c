/* Percent-encoding, query strings and paths; see url.h. */
#include "base/url.h"

#include "base/ascii.h"
#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

/* Returns the byte of the escape at data[at], or -1. */
static int escape_value(const char *data, size_t len, size_t at) {
  if (at + 2 >= len) return -1;
  int high = rl_hex_value(data[at + 1]), low = rl_hex_value(data[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

long rl_url_decode(rl_slice s, bool plus, char *out) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (c == '%') {
      int value = escape_value(s.data, s.len, i);
      if (value < 0) return RL_ESYNTAX;
      c = (char)value;
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    out[n++] = c;
  }
  return (long)n;
}

static void add_escaped(rl_buf *out, unsigned char c) {
  static const char hex[] = "0123456789ABCDEF";
  rl_buf_add(out, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
}

int rl_url_encode(rl_buf *out, rl_slice s) {
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (rl_is(c, RL_CHAR_UNRESERVED)) rl_buf_add_char(out, (char)c);
    else add_escaped(out, c);
  }
  return out->error;
}

/* Finds where the authority of a reference begins and ends; both 0 if it has none. */
static void find_authority(rl_slice s, size_t *from, size_t *to) {
  size_t at = 0;
  while (at < s.len && (rl_is((unsigned char)s.data[at], RL_CHAR_ALPHA | RL_CHAR_DIGIT) || strchr("+-.", s.data[at])))
    at++;
  at = at && at < s.len && s.data[at] == ':' ? at + 1 : 0;
  *from = *to = 0;
  if (s.len - at < 2 || s.data[at] != '/' || s.data[at + 1] != '/') return;
  *from = *to = at + 2;
  while (*to < s.len && !strchr("/?#", s.data[*to])) ++*to;
}

int rl_url_encode_reference(rl_buf *out, rl_slice s) {
  size_t from, to;
  bool fragment = false;
  find_authority(s, &from, &to);
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    bool may = rl_is(c, RL_CHAR_UNRESERVED) || (c && strchr(":/?@!$&'()*+,;=", c));
    if (c == '%') may = escape_value(s.data, s.len, i) >= 0;
    else if (c == '[' || c == ']') may = i >= from && i < to;
    else if (c == '#') may = !fragment, fragment = true;
    if (may) rl_buf_add_char(out, (char)c);
    else add_escaped(out, c);
  }
  return out->error;
}

bool rl_query_next(rl_slice *rest, rl_slice *name, rl_slice *value) {
  while (rest->len) {
    size_t end = rl_slice_find(*rest, '&', 0);
    rl_slice pair = rl_slice_of(rest->data, end);
    size_t skip = end < rest->len ? end + 1 : end;
    rest->data += skip;
    rest->len -= skip;
    if (!pair.len) continue;
    size_t eq = rl_slice_find(pair, '=', 0);
    *name = rl_slice_of(pair.data, eq);
    *value = eq < pair.len ? rl_slice_of(pair.data + eq + 1, pair.len - eq - 1) : rl_slice_of(pair.data + eq, 0);
    return true;
  }
  return false;
}

long rl_path_decode(rl_slice path, char *out) {
  size_t n = 0;
  for (size_t i = 0; i < path.len; i++) {
    char c = path.data[i];
    if (c != '%') {
      out[n++] = c;
      continue;
    }
    int value = escape_value(path.data, path.len, i);
    if (value <= 0) return RL_ESYNTAX; /* a bad escape, or NUL */
    if (value == '/' || value == '%') {
      memcpy(out + n, value == '/' ? "%2F" : "%25", 3);
      n += 3;
    } else {
      out[n++] = (char)value;
    }
    i += 2;
  }
  return rl_utf8_valid(rl_slice_of(out, n)) ? (long)n : (long)RL_EUTF8;
}

size_t rl_path_unescape(char *segment, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    int value = segment[i] == '%' ? escape_value(segment, len, i) : -1;
    segment[n++] = value < 0 ? segment[i] : (char)value;
    if (value >= 0) i += 2;
  }
  return n;
}
