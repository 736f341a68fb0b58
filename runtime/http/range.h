/*
 * Range requests (RFC 9110 section 14): which bytes of a representation are asked for.
 *
 *   Range: bytes=0-99,200-,-50      of 1000 bytes  ->  [0,100) [200,1000), coalesced where they touch or overlap
 *
 * Bounded: more than RL_RANGES_MAX ranges, or ranges that together exceed the whole, are answered with the whole
 * (RFC 9110 section 17.15, CVE-2011-3192). Digits are ASCII; arithmetic cannot overflow.
 */
#ifndef RL_HTTP_RANGE_H
#define RL_HTTP_RANGE_H

#include <stdint.h>

#include "base/slice.h"

enum { RL_RANGES_MAX = 8 };

typedef struct rl_range {
  uint64_t start, end; /* [start, end) */
} rl_range;

typedef struct rl_ranges {
  int count; /* 0: the whole */
  rl_range items[RL_RANGES_MAX];
} rl_ranges;

/* 206: `ranges` says what to send; 200: ignore the header (not bytes, malformed, too many); 416: none of it is
 * there. */
int rl_range_parse(rl_slice value, uint64_t size, rl_ranges *ranges);

#endif
