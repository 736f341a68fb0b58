/* Strict UTF-8 by the table of well-formed sequences, Unicode 15 table 3-7. */
#include "base/utf8.h"

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

/* Length of the run of ASCII at the front, eight bytes at a time. */
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
