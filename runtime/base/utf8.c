/* Strict UTF-8 by the table of well-formed sequences, Unicode 15 table 3-7. */
#include "base/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#include "base/ascii.h"

static bool between(char c, unsigned low, unsigned high) { return (unsigned char)c >= low && (unsigned char)c <= high; }
static bool tail(char c) { return between(c, 0x80, 0xBF); }

size_t rl_utf8_step(const char *data, size_t len) {
  unsigned char c = (unsigned char)data[0];
  if (c < 0x80) return 1;
  if (c < 0xC2 || c > 0xF4) return 0;
  if (c < 0xE0) return len >= 2 && tail(data[1]) ? 2 : 0;
  unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
  unsigned high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
  if (len < 2 || !between(data[1], low, high)) return 0;
  if (c < 0xF0) return len >= 3 && tail(data[2]) ? 3 : 0;
  return len >= 4 && tail(data[2]) && tail(data[3]) ? 4 : 0;
}

/* Returns the length of the run of ASCII at the front, eight bytes at a time. */
static size_t ascii_run(const char *data, size_t len) {
  size_t i = 0;
  for (; i + 8 <= len; i += 8) {
    uint64_t word;
    memcpy(&word, data + i, 8);
    if (word & UINT64_C(0x8080808080808080)) break;
  }
  while (i < len && (unsigned char)data[i] < 0x80) i++;
  return i;
}

bool rl_utf8_valid(rl_slice s) {
  size_t i = 0;
  while ((i += ascii_run(s.data + i, s.len - i)) < s.len) {
    size_t step = rl_utf8_step(s.data + i, s.len - i);
    if (!step) return false;
    i += step;
  }
  return true;
}

size_t rl_utf8_encode(uint32_t point, char out[4]) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = (char)(lead[n] | point);
  return n;
}

uint32_t rl_utf8_decode(const char *data, size_t step) {
  static const unsigned char lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t point = (unsigned char)data[0] & lead[step];
  for (size_t i = 1; i < step; i++) point = point << 6 | ((unsigned char)data[i] & 0x3F);
  return point;
}

bool rl_utf8_is_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x61C || point == 0x200E || point == 0x200F ||
         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* ---- letters -------------------------------------------------------------------------------------------------------- */

static locale_t unicode; /* 0 if the system has none; made once, never freed */
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;

static void open_unicode(void) { unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

enum { SHARP_S = 0xDF };

static uint32_t map_point(uint32_t point, bool upper) {
  if (!unicode) return point;
  return (uint32_t)(upper ? towupper_l((wint_t)point, unicode) : towlower_l((wint_t)point, unicode));
}

/* Appends one letter beyond ASCII, `step` bytes long. */
static int map_letter(rl_buf *out, const char *data, size_t step, bool upper) {
  uint32_t point = rl_utf8_decode(data, step);
  char text[4];
  if (upper && point == SHARP_S) return rl_buf_add(out, "SS", 2);
  return rl_buf_add(out, text, rl_utf8_encode(map_point(point, upper), text));
}

static int map_ascii(rl_buf *out, const char *data, size_t len, bool upper) {
  int code = rl_buf_reserve(out, len);
  if (code) return code;
  char *to = out->data + out->len;
  for (size_t i = 0; i < len; i++) to[i] = upper ? rl_upper(data[i]) : rl_lower(data[i]);
  out->len += len;
  return 0;
}

static int map_case(rl_buf *out, rl_slice s, bool upper) {
  pthread_once(&unicode_once, open_unicode);
  for (size_t i = 0; i < s.len;) {
    size_t run = ascii_run(s.data + i, s.len - i);
    size_t step = run < s.len - i ? rl_utf8_step(s.data + i + run, s.len - i - run) : 0;
    int code = map_ascii(out, s.data + i, run, upper);
    i += run;
    if (!code && step) code = map_letter(out, s.data + i, step, upper);
    else if (!code && i < s.len) code = rl_buf_add(out, s.data + i, step = 1);
    if (code) return code;
    i += step;
  }
  return 0;
}

int rl_utf8_upper(rl_buf *out, rl_slice s) { return map_case(out, s, true); }
int rl_utf8_lower(rl_buf *out, rl_slice s) { return map_case(out, s, false); }
