/*
 * Escapes while it copies. It takes PIECE bytes at a time and makes room for their worst case first, so that the inner loops
 * only store. Sixteen bytes at a time are stored unchanged and examined; if one is special, its entity overwrites the rest.
 */
#include "base/html.h"

#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PIECE = 512, LONGEST = 5, BLOCK = 16 };

typedef struct entity {
  uint8_t len; /* 0: the byte stands for itself */
  char text[7];
} entity;

static const entity entities[256] = {
    ['&'] = {5, "&amp;"}, ['<'] = {4, "&lt;"}, ['>'] = {4, "&gt;"}, ['"'] = {5, "&#34;"}, ['\''] = {5, "&#39;"}};

/* Needs room for 8 bytes. */
static char *put_byte(char *to, unsigned char c) {
  const entity *e = &entities[c];
  if (e->len == 0) {
    *to = (char)c;
    return to + 1;
  }
  memcpy(to, e->text, sizeof e->text);
  return to + e->len;
}

#ifdef __SSE2__
static unsigned specials_in(__m128i block) {
  __m128i found = _mm_cmpeq_epi8(block, _mm_set1_epi8('&'));
  found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('<')));
  found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('>')));
  found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
  found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('\'')));
  return (unsigned)_mm_movemask_epi8(found);
}

/* Copies 4 to 15 bytes, if none is special: as two halves that overlap. Returns false if one is. */
static bool put_short(char *to, const char *from, size_t len) {
  uint64_t first = 0, last = 0;
  if (len >= 8) memcpy(&first, from, 8), memcpy(&last, from + len - 8, 8);
  else memcpy(&first, from, 4), memcpy(&last, from + len - 4, 4);
  if (specials_in(_mm_set_epi64x((long long)last, (long long)first))) return false;
  if (len >= 8) memcpy(to, &first, 8), memcpy(to + len - 8, &last, 8);
  else memcpy(to, &first, 4), memcpy(to + len - 4, &last, 4);
  return true;
}

/* Copies whole blocks. The caller copies the rest of the piece, which is less than one block. */
static char *put_blocks(char *to, const char **from, const char *end) {
  const char *at = *from;
  while (end - at >= BLOCK) {
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    unsigned specials = specials_in(block);
    _mm_storeu_si128((__m128i *)(void *)to, block);
    unsigned plain = specials ? (unsigned)__builtin_ctz(specials) : BLOCK;
    at += plain;
    to += plain;
    if (specials) to = put_byte(to, (unsigned char)*at++);
  }
  *from = at;
  return to;
}
#else
static bool put_short(char *to, const char *from, size_t len) {
  (void)to, (void)from, (void)len;
  return false;
}

static char *put_blocks(char *to, const char **from, const char *end) {
  (void)from, (void)end;
  return to;
}
#endif

int rl_html_escape(rl_buf *out, rl_slice s) {
  const char *at = s.data, *end = s.data + s.len;
  if (s.len >= 4 && s.len < BLOCK && !rl_buf_reserve(out, s.len) && put_short(out->data + out->len, at, s.len)) {
    out->len += s.len;
    return 0;
  }
  while (at < end) {
    const char *stop = end - at > PIECE ? at + PIECE : end;
    size_t len = (size_t)(stop - at);
    int code = rl_buf_reserve(out, len * LONGEST + BLOCK);
    if (code) return code;
    char *to = put_blocks(out->data + out->len, &at, stop);
    while (at < stop) to = put_byte(to, (unsigned char)*at++);
    out->len = (size_t)(to - out->data);
  }
  return 0;
}
