/* Scanning text from outside: what is found is what looking at each place finds; trimmed text has none of the set at its ends; a
 * number is one that strtod takes whole. The first line is the part that is looked for. */
#include "base/scan.h"

#include <ctype.h>

#include "fuzz/fuzz.h"

static long find_plainly(rl_slice s, rl_slice part, size_t from, bool last) {
  long found = RL_SCAN_NOWHERE;
  for (size_t i = from; i + part.len <= s.len; i++) {
    if (part.len && memcmp(s.data + i, part.data, part.len) != 0) continue;
    found = (long)i;
    if (!last) return found;
  }
  return found;
}

static void check_trim(rl_slice s, rl_slice bytes) {
  rl_byte_set set = rl_byte_set_of(bytes);
  rl_slice both = rl_scan_trim(s, &set, RL_SCAN_LEFT | RL_SCAN_RIGHT);
  HOLDS(both.len <= s.len);
  if (!both.len) return;
  HOLDS(!set.has[(uint8_t)both.data[0]] && !set.has[(uint8_t)both.data[both.len - 1]]);
  rl_slice left = rl_scan_trim(s, &set, RL_SCAN_LEFT), right = rl_scan_trim(s, &set, RL_SCAN_RIGHT);
  HOLDS(left.data == both.data && right.data + right.len == both.data + both.len);
}

static void check_number(rl_slice s) {
  if (rl_scan_number(s) == RL_NUMBER_NONE) return;
  char *copy = malloc(s.len + 1), *end;
  memcpy(copy, s.data, s.len);
  copy[s.len] = 0;
  strtod(copy, &end);
  while (isspace((unsigned char)*end)) end++;
  HOLDS(end == copy + s.len);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice rest = fuzz_slice(data, size), part, s;
  if (!fuzz_line(&rest, &part)) return 0;
  char *copy = fuzz_cut(&rest, 0, NULL, &s);
  size_t from = s.len ? (size_t)data[0] % (s.len + 1) : 0;
  HOLDS(rl_scan_find(s, part, from) == find_plainly(s, part, from, false));
  HOLDS(rl_scan_find_last(s, part, s.len) == find_plainly(s, part, 0, true));
  check_trim(s, part);
  check_number(s);
  check_number(part);
  free(copy);
  return 0;
}
