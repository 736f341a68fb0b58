/*
 * Finds the first byte of a string that does not stand for itself in JSON: a control, '"', '\\', DEL or a byte above ASCII.
 * Sixteen bytes at a time with SSE2, which every x86-64 has, else eight at a time; what is left of a string by four and by one.
 * Both ways are here so that a test compares them.
 */
#ifndef RL_BASE_JSON_PLAIN_H
#define RL_BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Returns the high bit of each special byte of a word. Bits above the lowest one set may be wrong (Hacker's Delight, zero-byte
 * test). */
static inline uint64_t rl_json_special_bytes(uint64_t w) {
  const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
  uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\'), del = w ^ (ones * 127);
  return (w | (w - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones)) & highs;
}

static inline bool rl_json_is_plain(char c) {
  unsigned char byte = (unsigned char)c;
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* Each returns how many of the first bytes are plain: `width` if all are. Each copies all of them to `to`, if that is not NULL. */
static inline unsigned rl_json_plain_8(const char *at, char *to) {
  uint64_t word;
  memcpy(&word, at, 8);
  if (to) memcpy(to, &word, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  uint64_t special = rl_json_special_bytes(word);
  return special ? (unsigned)__builtin_ctzll(special) / 8 : 8;
}

static inline unsigned rl_json_plain_4(const char *at, char *to) {
  uint32_t half;
  memcpy(&half, at, 4);
  if (to) memcpy(to, &half, 4);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  half = __builtin_bswap32(half);
#endif
  uint64_t special = rl_json_special_bytes(half | UINT64_C(0x2020202000000000));
  return special ? (unsigned)__builtin_ctzll(special) / 8 : 4;
}

#ifdef __SSE2__
enum { RL_JSON_PLAIN_WIDTH = 16 };
/* With one added, the bytes below 0x21 as signed ones are the controls, DEL and those above ASCII. */
static inline unsigned rl_json_first_special(__m128i bytes) {
  __m128i outside = _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(0x21));
  __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  unsigned special = (unsigned)_mm_movemask_epi8(_mm_or_si128(outside, _mm_or_si128(quote, slash)));
  return (unsigned)__builtin_ctz(special | 0x10000);
}

static inline unsigned rl_json_plain_wide(const char *at, char *to) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
  if (to) _mm_storeu_si128((__m128i *)(void *)to, bytes);
  return rl_json_first_special(bytes);
}

/* Copies a string of 4 to 7 bytes as two halves that overlap, and looks at both at once. The rest of the register is 0, a control. */
static inline const char *rl_json_copy_plain_4_to_7(char *to, const char *from, size_t len) {
  int low, high;
  memcpy(&low, from, 4), memcpy(&high, from + len - 4, 4);
  memcpy(to, &low, 4), memcpy(to + len - 4, &high, 4);
  unsigned first = rl_json_first_special(_mm_unpacklo_epi32(_mm_cvtsi32_si128(low), _mm_cvtsi32_si128(high)));
  return first < 4 ? from + first : from + len - 8 + first;
}

/* The same of 8 to 15 bytes. */
static inline const char *rl_json_copy_plain_8_to_15(char *to, const char *from, size_t len) {
  __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)from);
  __m128i high = _mm_loadl_epi64((const __m128i *)(const void *)(from + len - 8));
  _mm_storel_epi64((__m128i *)(void *)to, low);
  _mm_storel_epi64((__m128i *)(void *)(to + len - 8), high);
  unsigned first = rl_json_first_special(_mm_unpacklo_epi64(low, high));
  return first < 8 ? from + first : from + len - 16 + first;
}
#else
static inline const char *rl_json_copy_plain_4_to_7(char *to, const char *from, size_t len) {
  unsigned plain = rl_json_plain_4(from, to);
  if (plain < 4) return from + plain;
  return from + len - 4 + rl_json_plain_4(from + len - 4, to + len - 4);
}

static inline const char *rl_json_copy_plain_8_to_15(char *to, const char *from, size_t len) {
  unsigned plain = rl_json_plain_8(from, to);
  if (plain < 8) return from + plain;
  return from + len - 8 + rl_json_plain_8(from + len - 8, to + len - 8);
}

enum { RL_JSON_PLAIN_WIDTH = 8 };
static inline unsigned rl_json_plain_wide(const char *at, char *to) { return rl_json_plain_8(at, to); }
#endif

/* Moves `at` over plain bytes, up to `end`. */
static inline const char *rl_json_skip_plain(const char *at, const char *end) {
  unsigned plain = 0;
  while (end - at >= RL_JSON_PLAIN_WIDTH) {
    plain = rl_json_plain_wide(at, NULL);
    at += plain;
    if (plain < RL_JSON_PLAIN_WIDTH) return at;
  }
  while (end - at >= 4) {
    plain = rl_json_plain_4(at, NULL);
    at += plain;
    if (plain < 4) return at;
  }
  while (at < end && rl_json_is_plain(*at)) at++;
  return at;
}

enum { RL_JSON_COPY_SPARE = RL_JSON_PLAIN_WIDTH }; /* bytes of room beyond those that are copied */

/* Copies plain bytes, up to `end`, to `to`. Returns the first that is not copied. */
__attribute__((nonnull)) static inline const char *rl_json_copy_plain(char *to, const char *from, const char *end) {
  unsigned plain;
  for (; end - from >= RL_JSON_PLAIN_WIDTH; to += RL_JSON_PLAIN_WIDTH, from += RL_JSON_PLAIN_WIDTH)
    if ((plain = rl_json_plain_wide(from, to)) < RL_JSON_PLAIN_WIDTH) return from + plain;
  for (; end - from >= 4; to += 4, from += 4)
    if ((plain = rl_json_plain_4(from, to)) < 4) return from + plain;
  while (from < end && rl_json_is_plain(*from)) *to++ = *from++;
  return from;
}

/* The same for a whole string: what is left of it after the last whole step is copied together with the end of that step. */
__attribute__((nonnull)) static inline const char *rl_json_copy_plain_string(char *to, const char *from,
                                                                             const char *end) {
  unsigned plain;
  size_t len = (size_t)(end - from);
  if (len >= RL_JSON_PLAIN_WIDTH) {
    for (; end - from > RL_JSON_PLAIN_WIDTH; to += RL_JSON_PLAIN_WIDTH, from += RL_JSON_PLAIN_WIDTH)
      if ((plain = rl_json_plain_wide(from, to)) < RL_JSON_PLAIN_WIDTH) return from + plain;
    to -= RL_JSON_PLAIN_WIDTH - (end - from);
    from = end - RL_JSON_PLAIN_WIDTH;
    return from + rl_json_plain_wide(from, to);
  }
  if (len >= 8) return rl_json_copy_plain_8_to_15(to, from, len);
  if (len >= 4) return rl_json_copy_plain_4_to_7(to, from, len);
  while (from < end && rl_json_is_plain(*from)) *to++ = *from++;
  return from;
}

enum { RL_JSON_STRING_SPARE = RL_JSON_COPY_SPARE + 2 }; /* … and for the quotes */

/* Writes a quote and the front of a string up to its first special byte; or all of it, and the other quote. Returns how many of
 * its bytes are written. */
static inline size_t rl_json_put_front(char *to, rl_slice s) {
  *to++ = '"';
  size_t front = (size_t)(rl_json_copy_plain_string(to, s.data, s.data + s.len) - s.data);
  to[front] = '"';
  return front;
}

#endif
