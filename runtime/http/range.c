/* Parsing and coalescing of ranges; see range.h. */
#include "http/range.h"

#include "base/error.h"

enum { WHOLE = 200, PARTIAL = 206, UNSATISFIABLE = 416, MALFORMED = -1, MISSES = 0, HITS = 1 };

/* A number that does not fit counts as one after the end. */
static int parse_number(rl_slice s, uint64_t *out) {
  unsigned long long value = 0;
  int code = rl_slice_to_u64(s, &value);
  *out = code == RL_ERANGE ? UINT64_MAX : value;
  return code == RL_ESYNTAX ? MALFORMED : HITS;
}

/* "a-b", "a-" or "-n" against `size`. */
static int parse_one(rl_slice spec, uint64_t size, rl_range *range) {
  size_t dash = rl_slice_find(spec, '-', 0);
  if (dash == spec.len) return MALFORMED;
  rl_slice first = {spec.data, dash}, last = {spec.data + dash + 1, spec.len - dash - 1};
  uint64_t from = 0, to = UINT64_MAX;
  if (!first.len) {
    uint64_t suffix;
    if (parse_number(last, &suffix) < 0) return MALFORMED;
    *range = (rl_range){suffix < size ? size - suffix : 0, size};
    return suffix && size ? HITS : MISSES;
  }
  if (parse_number(first, &from) < 0 || (last.len && parse_number(last, &to) < 0) || to < from) return MALFORMED;
  if (from >= size) return MISSES;
  *range = (rl_range){from, to < size - 1 ? to + 1 : size};
  return HITS;
}

static void remove_at(rl_ranges *ranges, int at) {
  for (int i = at; i + 1 < ranges->count; i++) ranges->items[i] = ranges->items[i + 1];
  ranges->count--;
}

/* Takes every earlier range that touches or overlaps the last one into it; order is kept otherwise. */
static void coalesce(rl_ranges *ranges) {
  rl_range *last = &ranges->items[ranges->count - 1];
  for (int i = 0; i < ranges->count - 1;) {
    rl_range *r = &ranges->items[i];
    if (r->start > last->end || last->start > r->end) {
      i++;
      continue;
    }
    if (last->start < r->start) r->start = last->start;
    if (last->end > r->end) r->end = last->end;
    rl_range merged = *r;
    ranges->count--; /* the last one is part of it now, and it may touch others in turn */
    remove_at(ranges, i);
    ranges->items[ranges->count++] = merged;
    last = &ranges->items[ranges->count - 1];
    i = 0;
  }
}

int rl_range_parse(rl_slice value, uint64_t size, rl_ranges *ranges) {
  rl_slice element;
  int seen = 0;
  ranges->count = 0;
  if (value.len < 6 || !rl_slice_eq_nocase(rl_slice_of(value.data, 6), RL_SLICE("bytes="))) return WHOLE;
  rl_slice rest = {value.data + 6, value.len - 6};
  while (rl_slice_next_element(&rest, &element)) {
    rl_range range;
    int found = parse_one(element, size, &range);
    if (found == MALFORMED || ++seen > RL_RANGES_MAX) {
      ranges->count = 0;
      return WHOLE;
    }
    if (found == MISSES) continue;
    ranges->items[ranges->count++] = range;
    coalesce(ranges);
  }
  if (!seen) return WHOLE;
  return ranges->count ? PARTIAL : UNSATISFIABLE;
}
