/* Heads of pictures: the size is never 0, counts are never below what stands there in plain sight, and a source gives the same
 * bytes however they are asked for, without those that only describe. */
#include "base/error.h"
#include "fuzz/fuzz.h"
#include "image/cost.h"

static rl_image_format try_probe(rl_slice s) {
  rl_image_info info;
  int code = rl_image_probe(s, &info);
  HOLDS(code == 0 || code == RL_ESYNTAX || code == RL_EUNSUPPORTED);
  if (code) return RL_IMAGE_FORMATS;
  HOLDS(info.width && info.height && info.format < RL_IMAGE_FORMATS);
  HOLDS(info.orientation >= 1 && info.orientation <= 8);
  code = rl_image_check_cost(s, &info);
  HOLDS(code == 0 || code == RL_ETOOBIG || code == RL_ERANGE);
  return info.format;
}

static size_t count_pairs(rl_slice s, char second) {
  size_t count = 0;
  for (size_t i = 0; i + 1 < s.len; i++) count += s.data[i] == '\xFF' && s.data[i + 1] == second;
  return count;
}

static void try_count(rl_slice s) {
  rl_image_parts parts;
  rl_image_count(s, RL_IMAGE_JPEG, &parts);
  HOLDS(parts.scans <= parts.segments && parts.segments <= s.len / 2);
  HOLDS(parts.scans <= count_pairs(s, '\xDA'));
}

static void try_source(rl_slice s, rl_image_format format) {
  fuzz_random numbers = fuzz_random_of(s);
  rl_image_source whole, cut;
  char *room = malloc(s.len + 1), *piece = malloc(s.len + 1);
  rl_image_source_init(&whole, s, format);
  rl_image_source_init(&cut, s, format);
  size_t len = rl_image_source_read(&whole, room, s.len + 1), at = 0, n;
  HOLDS(len <= s.len && rl_image_source_read(&whole, piece, 1) == 0);
  HOLDS(format == RL_IMAGE_PNG || len == s.len);
  while ((n = rl_image_source_read(&cut, piece, 1 + fuzz_draw(&numbers) % 16))) {
    HOLDS(at + n <= len && memcmp(room + at, piece, n) == 0);
    at += n;
  }
  HOLDS(at == len);
  free(room);
  free(piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice s = fuzz_slice(data, size);
  try_source(s, try_probe(s));
  try_source(s, RL_IMAGE_PNG);
  if (size >= 2) try_count(s);
  return 0;
}
