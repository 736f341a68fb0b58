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
static inline unsigned rl_json_plain_wide(const char *at, char *to) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
  if (to) _mm_storeu_si128((__m128i *)(void *)to, bytes);
  __m128i outside = _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(0x21));
  __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  unsigned special = (unsigned)_mm_movemask_epi8(_mm_or_si128(outside, _mm_or_si128(quote, slash)));
  return (unsigned)__builtin_ctz(special | 0x10000);
}
#else
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
static inline const char *rl_json_copy_plain(char *to, const char *from, const char *end) {
  unsigned plain;
  for (; end - from >= RL_JSON_PLAIN_WIDTH; to += RL_JSON_PLAIN_WIDTH, from += RL_JSON_PLAIN_WIDTH)
    if ((plain = rl_json_plain_wide(from, to)) < RL_JSON_PLAIN_WIDTH) return from + plain;
  for (; end - from >= 4; to += 4, from += 4)
    if ((plain = rl_json_plain_4(from, to)) < 4) return from + plain;
  while (from < end && rl_json_is_plain(*from)) *to++ = *from++;
  return from;
}

/* The same for a whole string: what is left of it after the last whole step is copied together with the end of that step. */
static inline const char *rl_json_copy_plain_string(char *to, const char *from, const char *end) {
  unsigned plain;
  size_t len = (size_t)(end - from);
  if (len >= RL_JSON_PLAIN_WIDTH) {
    for (; end - from > RL_JSON_PLAIN_WIDTH; to += RL_JSON_PLAIN_WIDTH, from += RL_JSON_PLAIN_WIDTH)
      if ((plain = rl_json_plain_wide(from, to)) < RL_JSON_PLAIN_WIDTH) return from + plain;
    to -= RL_JSON_PLAIN_WIDTH - (end - from);
    from = end - RL_JSON_PLAIN_WIDTH;
    return from + rl_json_plain_wide(from, to);
  }
  if (len >= 8) {
    if ((plain = rl_json_plain_8(from, to)) < 8) return from + plain;
    return end - 8 + rl_json_plain_8(end - 8, to + len - 8);
  }
  if (len >= 4) {
    if ((plain = rl_json_plain_4(from, to)) < 4) return from + plain;
    return end - 4 + rl_json_plain_4(end - 4, to + len - 4);
  }
  while (from < end && rl_json_is_plain(*from)) *to++ = *from++;
  return from;
}

#endif
