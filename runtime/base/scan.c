/* Scanning text in one pass; see scan.h. */
#define _GNU_SOURCE /* memmem */
#include "base/scan.h"

#include "base/alloc.h"
#include "base/ascii.h"

/* ---- ends -------------------------------------------------------------------------------------------------------------------- */

const rl_slice rl_white_space = {" \t\n\v\f\r", 6};

rl_byte_set rl_byte_set_of(rl_slice bytes) {
  rl_byte_set set = {{false}};
  for (size_t i = 0; i < bytes.len; i++) set.has[(unsigned char)bytes.data[i]] = true;
  return set;
}

rl_slice rl_scan_trim(rl_slice s, const rl_byte_set *set, int ends) {
  if (ends & RL_SCAN_LEFT)
    while (s.len && set->has[(unsigned char)s.data[0]]) s.data++, s.len--;
  if (ends & RL_SCAN_RIGHT)
    while (s.len && set->has[(unsigned char)s.data[s.len - 1]]) s.len--;
  return s;
}

/* ---- places ------------------------------------------------------------------------------------------------------------------ */

/* memmem is linear in the C libraries of Linux (two-way string matching, Crochemore and Perrin 1991). */
long rl_scan_find(rl_slice s, rl_slice part, size_t from) {
  if (!part.len) return (long)from;
  const char *at = s.len - from < part.len ? NULL : memmem(s.data + from, s.len - from, part.data, part.len);
  return at ? at - s.data : RL_SCAN_NOWHERE;
}

static void reverse(char *to, rl_slice s) {
  for (size_t i = 0; i < s.len; i++) to[i] = s.data[s.len - 1 - i];
}

/* Searches with both texts reversed, because there is no memmem from the right. */
static long find_reversed(rl_slice s, rl_slice part) {
  char *room = rl_alloc(s.len + part.len);
  if (!room) return RL_SCAN_NOMEM;
  reverse(room, s);
  reverse(room + s.len, part);
  long at = rl_scan_find(rl_slice_of(room, s.len), rl_slice_of(room + s.len, part.len), 0);
  rl_free(room);
  return at < 0 ? RL_SCAN_NOWHERE : (long)(s.len - part.len) - at;
}

enum { SHORT = 16 };

long rl_scan_find_last(rl_slice s, rl_slice part, size_t stop) {
  s.len = stop;
  if (part.len > s.len) return RL_SCAN_NOWHERE;
  if (part.len > SHORT) return find_reversed(s, part);
  for (size_t at = s.len - part.len + 1; at-- > 0;)
    if (!part.len || memcmp(s.data + at, part.data, part.len) == 0) return (long)at;
  return RL_SCAN_NOWHERE;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------------------- */

static size_t skip_digits(rl_slice s, size_t at) {
  while (at < s.len && rl_is((unsigned char)s.data[at], RL_CHAR_DIGIT)) at++;
  return at;
}

static size_t skip_sign(rl_slice s, size_t at) {
  return at < s.len && (s.data[at] == '+' || s.data[at] == '-') ? at + 1 : at;
}

/* Returns where an exponent that begins at `at` ends; `at` if there is none. */
static size_t skip_exponent(rl_slice s, size_t at) {
  if (at >= s.len || (s.data[at] != 'e' && s.data[at] != 'E')) return at;
  size_t digits = skip_sign(s, at + 1), end = skip_digits(s, digits);
  return end > digits ? end : at;
}

rl_number_kind rl_scan_number(rl_slice s) {
  rl_byte_set white = rl_byte_set_of(rl_white_space);
  s = rl_scan_trim(s, &white, RL_SCAN_LEFT | RL_SCAN_RIGHT);
  size_t from = skip_sign(s, 0), whole = skip_digits(s, from), end = whole, digits = whole - from;
  if (end < s.len && s.data[end] == '.') {
    end = skip_digits(s, whole + 1);
    digits += end - whole - 1;
  }
  if (!digits) return RL_NUMBER_NONE;
  end = skip_exponent(s, end);
  if (end < s.len) return RL_NUMBER_NONE;
  return end == whole ? RL_NUMBER_INTEGER : RL_NUMBER_REAL;
}
