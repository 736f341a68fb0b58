/* Dot segments; see path.h. */
#define _GNU_SOURCE /* memrchr */
#include "client/path.h"

#include "base/ascii.h"

static size_t path_len(rl_slice target) {
  size_t len = 0;
  while (len < target.len && target.data[len] != '?' && target.data[len] != '#') len++;
  return len;
}

/* Returns true if the three bytes at `at` are `low`'s encoding, as in "%2e". */
static bool is_encoded(rl_slice s, size_t at, const char low[2]) {
  return at + 3 <= s.len && s.data[at] == '%' && s.data[at + 1] == low[0] && rl_lower(s.data[at + 2]) == low[1];
}

/* 1 for ".", 2 for "..", 0 for every other segment. */
static int dots_of(rl_slice segment) {
  int dots = 0;
  for (size_t at = 0; at < segment.len; dots++) {
    if (segment.data[at] == '.') at++;
    else if (is_encoded(segment, at, "2e")) at += 3;
    else return 0;
  }
  return dots <= 2 ? dots : 0;
}

/* ---- without them ---------------------------------------------------------------------------------------------------- */

/* Back to before the last slash, not beyond `from`. */
static void drop_segment(rl_buf *out, size_t from) {
  const char *slash = out->len > from ? memrchr(out->data + from, '/', out->len - from) : NULL;
  out->len = slash ? (size_t)(slash - out->data) : from;
}

static void add_segment(rl_buf *out, size_t from, rl_slice segment, bool is_last) {
  int dots = dots_of(segment);
  if (dots == 2) drop_segment(out, from);
  if (dots && !is_last) return;
  rl_buf_add_char(out, '/');
  if (!dots) rl_buf_add_slice(out, segment);
}

int rl_path_settle(rl_slice path, rl_buf *out) {
  size_t from = out->len, at = 1;
  for (bool is_last = false; !is_last; at++) {
    size_t end = rl_slice_find(path, '/', at);
    is_last = end == path.len;
    add_segment(out, from, rl_slice_of(path.data + at, end - at), is_last);
    at = end;
  }
  return out->error;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------ */

bool rl_path_has_dots(rl_slice target) {
  rl_slice path = rl_slice_of(target.data, path_len(target));
  for (size_t at = 0; at < path.len; at++) {
    size_t end = rl_slice_find(path, '/', at);
    bool may_be = end > at && (path.data[at] == '.' || path.data[at] == '%');
    if (may_be && dots_of(rl_slice_of(path.data + at, end - at))) return true;
    at = end;
  }
  return false;
}

/* The length of what some take for a slash at `at`, or 0. */
static size_t other_slash(rl_slice segment, size_t at) {
  if (segment.data[at] == '\\') return 1;
  return is_encoded(segment, at, "2f") || is_encoded(segment, at, "5c") ? 3 : 0;
}

/* Adds what stands between two of those to the steps up (a name, however many there are) and down of a segment. */
static void count_piece(rl_slice piece, long *up, long *down) {
  int dots = dots_of(piece);
  if (dots == 2) ++*down;
  else if (piece.len && !dots) *up = 1;
}

/* How a segment changes the depth at least, whoever reads it: down by what is in it, else up by one, if it names anything. */
static long step_of(rl_slice segment) {
  long up = 0, down = 0;
  size_t from = 0;
  for (size_t at = 0, len; at < segment.len; at += len ? len : 1) {
    len = other_slash(segment, at);
    if (!len) continue;
    count_piece(rl_slice_of(segment.data + from, at - from), &up, &down);
    from = at + len;
  }
  count_piece(rl_slice_of(segment.data + from, segment.len - from), &up, &down);
  return down ? -down : up;
}

bool rl_path_climbs(rl_slice path) {
  long depth = 0;
  path.len = path_len(path);
  for (size_t at = 0; at < path.len && depth >= 0; at++) {
    size_t end = rl_slice_find(path, '/', at);
    depth += step_of(rl_slice_of(path.data + at, end - at));
    at = end;
  }
  return depth < 0;
}
