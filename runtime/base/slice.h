/*
 * A slice: bytes that somebody else owns. It is passed by value and never freed. The header that hands one out says how
 * long it lives ("borrowed until return", "as long as the request"). Not NUL-terminated.
 */
#ifndef RL_BASE_SLICE_H
#define RL_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct rl_slice {
  const char *data;
  size_t len;
} rl_slice;

#define RL_SLICE(literal) ((rl_slice){"" literal, sizeof(literal) - 1})
#define RL_SLICE_NONE ((rl_slice){NULL, 0})
/* For printf's "%.*s". */
#define RL_FMT(s) (int)(s).len, (s).data

static inline rl_slice rl_slice_of(const char *data, size_t len) { return (rl_slice){data, len}; }

static inline rl_slice rl_slice_str(const char *text) { return text ? (rl_slice){text, strlen(text)} : RL_SLICE_NONE; }

/* Drops so many bytes off the front; there are as many at least. */
static inline void rl_slice_skip(rl_slice *s, size_t count) {
  if (count) s->data += count; /* nothing may be added to a NULL pointer */
  s->len -= count;
}

static inline bool rl_slice_eq(rl_slice a, rl_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* FNV-1a, for tables whose keys nobody can choose in order to make them collide. */
static inline uint64_t rl_slice_hash(rl_slice s) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* ASCII letters in either case are equal; every other byte is itself (no locale, no Unicode; RFC 9110 section 5.1). */
bool rl_slice_eq_nocase(rl_slice a, rl_slice b);
bool rl_slice_starts(rl_slice s, rl_slice prefix);
/* Without spaces and tabs at either end (OWS of RFC 9110 section 5.6.3). */
rl_slice rl_slice_trim(rl_slice s);
/* Index of byte `c` at or after `from`, or s.len where there is none. */
size_t rl_slice_find(rl_slice s, char c, size_t from);
/* Cuts the next element of a comma-separated list off `rest`, trimmed; false at the end. Empty elements are skipped
 * (RFC 9110 section 5.6.1.2). Quoted strings are kept whole. */
bool rl_slice_next_element(rl_slice *rest, rl_slice *element);
/* The same where quotes mean nothing: every comma ends an element. */
bool rl_slice_next_plain(rl_slice *rest, rl_slice *element);
/* ASCII digits only, at least one, no sign: 0, RL_ESYNTAX, or RL_ERANGE where it exceeds 2^64-1. */
int rl_slice_to_u64(rl_slice s, unsigned long long *out);

#endif
