/* Slices: comparing, trimming, cutting lists. Pure; see slice.h. */
#include "base/slice.h"

#include <limits.h>

#include "base/ascii.h"
#include "base/error.h"

bool rl_slice_eq_nocase(rl_slice a, rl_slice b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (rl_lower(a.data[i]) != rl_lower(b.data[i])) return false;
  return true;
}

bool rl_slice_starts(rl_slice s, rl_slice prefix) {
  return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

rl_slice rl_slice_trim(rl_slice s) {
  while (s.len && is_blank(s.data[0])) s.data++, s.len--;
  while (s.len && is_blank(s.data[s.len - 1])) s.len--;
  return s;
}

size_t rl_slice_find(rl_slice s, char c, size_t from) {
  if (from >= s.len) return s.len;
  const char *at = memchr(s.data + from, c, s.len - from);
  return at ? (size_t)(at - s.data) : s.len;
}

/* Where the element that starts at 0 ends: at a comma outside quotes, or at the end. */
static size_t element_end(rl_slice s) {
  bool quoted = false;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (quoted && c == '\\') i++;
    else if (c == '"') quoted = !quoted;
    else if (c == ',' && !quoted) return i;
  }
  return s.len;
}

/* Cuts what ends at `end` off, with the comma there. */
static rl_slice cut_element(rl_slice *rest, size_t end) {
  rl_slice element = rl_slice_trim(rl_slice_of(rest->data, end));
  size_t skip = end < rest->len ? end + 1 : end;
  rest->data += skip;
  rest->len -= skip;
  return element;
}

bool rl_slice_next_element(rl_slice *rest, rl_slice *element) {
  while (rest->len) {
    *element = cut_element(rest, element_end(*rest));
    if (element->len) return true;
  }
  return false;
}

bool rl_slice_next_plain(rl_slice *rest, rl_slice *element) {
  while (rest->len) {
    *element = cut_element(rest, rl_slice_find(*rest, ',', 0));
    if (element->len) return true;
  }
  return false;
}

int rl_slice_to_u64(rl_slice s, unsigned long long *out) {
  enum { SAFE = 19 }; /* digits that always fit */
  unsigned long long value = 0;
  bool overflow = false;
  if (!s.len) return RL_ESYNTAX;
  for (size_t i = 0; i < s.len; i++) {
    unsigned digit = (unsigned)((unsigned char)s.data[i] - '0');
    if (digit > 9) return RL_ESYNTAX;
    if (i >= SAFE && value > (ULLONG_MAX - digit) / 10) overflow = true;
    value = value * 10 + digit;
  }
  if (overflow) return RL_ERANGE;
  *out = value;
  return RL_OK;
}
