/* Places in texts of SQL, for people; see excerpt.h. */
#include "data/excerpt.h"

#include "base/ascii.h"
#include "base/utf8.h"

enum { BEFORE = 48, AFTER = 48, BEGINNING = 200 }; /* characters */

static const char ellipsis[] = "\xE2\x80\xA6";

/* ---- characters ------------------------------------------------------------------------------------------------------ */

/* Returns the bytes of the character at `at`; 1 for a byte that is none. */
static size_t step(const char *at, const char *end) {
  size_t n = rl_utf8_step(at, (size_t)(end - at));
  return n ? n : 1;
}

/* Returns the beginning of the character before `at`. */
static const char *step_back(const char *at, const char *first) {
  for (size_t n = 1; n <= 4 && (size_t)(at - first) >= n; n++)
    if (rl_utf8_step(at - n, n) == n) return at - n;
  return at - 1;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

/* Writes one character, as it can be shown. Returns where the next one goes. */
static char *write(char *out, const char *at, size_t len) {
  size_t n = rl_utf8_step(at, len);
  bool shown = n && (*at == '\t' || !rl_utf8_is_control(rl_utf8_decode(at, n)));
  if (!shown || n == 1) {
    *out = !shown ? '?' : *at == '\t' ? ' ' : *at;
    return out + 1;
  }
  memcpy(out, at, n);
  return out + n;
}

static char *write_text(char *out, const char *text) {
  size_t len = strlen(text);
  memcpy(out, text, len);
  return out + len;
}

/* ---- places ---------------------------------------------------------------------------------------------------------- */

static const char *line_start(rl_slice text, const char *at) {
  while (at > text.data && at[-1] != '\n') at--;
  return at;
}

rl_excerpt_place rl_excerpt_place_of(rl_slice text, const char *at) {
  rl_excerpt_place place = {1, 1};
  const char *start = line_start(text, at);
  for (const char *c = text.data; c < start; c++) place.line += *c == '\n';
  for (const char *c = start; c < at; c += step(c, text.data + text.len)) place.column++;
  return place;
}

/* The part of a line that is shown. */
typedef struct window {
  const char *from, *to;
  bool cut_before, cut_after;
} window;

static window window_of(rl_slice text, const char *at) {
  const char *start = line_start(text, at), *end = text.data + text.len;
  window w = {.from = at, .to = at};
  while (start < at && is_blank(*start)) start++;
  for (int i = 0; i < BEFORE && w.from > start; i++) w.from = step_back(w.from, start);
  for (int i = 0; i < AFTER && w.to < end && *w.to != '\n'; i++) w.to += step(w.to, end);
  w.cut_before = w.from > start;
  w.cut_after = w.to < end && *w.to != '\n' && *w.to != '\r';
  while (w.to > at && is_blank(w.to[-1])) w.to--;
  return w;
}

void rl_excerpt_of_line(char out[RL_EXCERPT_SIZE], rl_slice text, const char *at, bool marked) {
  window w = window_of(text, at);
  size_t column = w.cut_before ? 4 : 2;
  out = write_text(out, "  ");
  if (w.cut_before) out = write_text(write_text(out, ellipsis), " ");
  for (const char *c = w.from; c < w.to; c += step(c, w.to)) {
    column += c < at;
    out = write(out, c, (size_t)(w.to - c));
  }
  if (w.cut_after) out = write_text(write_text(out, " "), ellipsis);
  if (marked) {
    *out++ = '\n';
    memset(out, ' ', column);
    out += column;
    *out++ = '^';
  }
  *out = 0;
}

void rl_excerpt_of_text(char out[RL_EXCERPT_SIZE], rl_slice text) {
  const char *at = text.data, *end = text.data + text.len;
  while (at < end && is_blank(*at)) at++;
  while (end > at && is_blank(end[-1])) end--;
  int count = 0;
  for (; at < end && count < BEGINNING; count++) {
    out = write(out, is_blank(*at) ? " " : at, (size_t)(end - at));
    if (!is_blank(*at)) at += step(at, end);
    else
      while (at < end && is_blank(*at)) at++;
  }
  if (at < end) out = write_text(write_text(out, " "), ellipsis);
  *out = 0;
}
