/* Range: what is to be sent lies inside, in bounds, and no two pieces touch. The first line is the size. */
#include "http/range.h"

#include "fuzz/fuzz.h"

static void check_ranges(const rl_ranges *ranges, uint64_t size) {
  HOLDS(ranges->count >= 1 && ranges->count <= RL_RANGES_MAX);
  for (int i = 0; i < ranges->count; i++) {
    const rl_range *a = &ranges->items[i];
    HOLDS(a->start < a->end && a->end <= size);
    for (int j = 0; j < i; j++) HOLDS(a->start > ranges->items[j].end || a->end < ranges->items[j].start);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice rest = fuzz_slice(data, size), line;
  unsigned long long length = 0;
  rl_ranges ranges;
  if (!fuzz_line(&rest, &line) || rl_slice_to_u64(line, &length)) return 0;
  int status = rl_range_parse(rest, length, &ranges);
  if (status == 206) check_ranges(&ranges, length);
  else HOLDS((status == 200 || status == 416) && ranges.count == 0);
  return 0;
}
