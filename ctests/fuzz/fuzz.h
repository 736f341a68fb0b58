/*
 * A fuzz target is one file, fuzz_<name>.c, with one function: it takes any bytes and holds the code to what is promised of
 * it. In the `fuzz` preset libFuzzer feeds it (script/fuzz); in every other build replay.c feeds it the files of
 * ctests/corpus/<name>, as one ordinary test.
 */
#ifndef CTESTS_FUZZ_FUZZ_H
#define CTESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* Returns 0. Borrows the bytes until then. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where it does not hold: libFuzzer keeps the input, ctest fails. */
#define HOLDS(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                       \
    }                                                                                \
  } while (0)

static inline rl_slice fuzz_slice(const uint8_t *data, size_t size) { return rl_slice_of((const char *)data, size); }

/* Cuts the next line off the front, without its LF; false at the end. */
static inline bool fuzz_line(rl_slice *rest, rl_slice *line) {
  if (!rest->len) return false;
  size_t end = rl_slice_find(*rest, '\n', 0), skip = end < rest->len ? end + 1 : end;
  *line = rl_slice_of(rest->data, end);
  *rest = rl_slice_of(rest->data + skip, rest->len - skip);
  return true;
}

/* Numbers that follow from the input, so that a finding is the same each time (xorshift64*, seeded by FNV-1a). */
typedef struct fuzz_random {
  uint64_t state;
} fuzz_random;

static inline fuzz_random fuzz_random_of(rl_slice s) {
  fuzz_random random = {UINT64_C(0xcbf29ce484222325)};
  for (size_t i = 0; i < s.len; i++) random.state = (random.state ^ (uint8_t)s.data[i]) * UINT64_C(0x100000001b3);
  random.state |= 1;
  return random;
}

static inline uint64_t fuzz_draw(fuzz_random *random) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return random->state * UINT64_C(2685821657736338717);
}

/* Cuts a piece off the front of `rest`: of `most` bytes (0: all of it), or with `numbers` of up to so many. It stands in memory
 * of exactly its size, so that a sanitizer sees a read beyond it; the caller frees it. */
static inline char *fuzz_cut(rl_slice *rest, size_t most, fuzz_random *numbers, rl_slice *piece) {
  size_t size = !most ? rest->len : numbers ? 1 + fuzz_draw(numbers) % most : most;
  if (size > rest->len) size = rest->len;
  char *copy = malloc(size);
  memcpy(copy, rest->data, size);
  *piece = rl_slice_of(copy, size);
  *rest = rl_slice_of(rest->data + size, rest->len - size);
  return copy;
}

#endif
