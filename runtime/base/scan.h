/*
 * Scanning text that came from outside: each of these looks at every byte a fixed number of times, whatever the bytes are.
 * Lua's patterns do not promise that ("%d+%.?%d*x" takes the square of a run of digits), so lua/rille uses these where a
 * pattern would have to try again. Pure; bytes in, slices and places out.
 */
#ifndef RL_BASE_SCAN_H
#define RL_BASE_SCAN_H

#include <stdbool.h>

#include "base/slice.h"

enum { RL_SCAN_LEFT = 1, RL_SCAN_RIGHT = 2 };

/* A set of bytes. */
typedef struct rl_byte_set {
  bool has[256];
} rl_byte_set;

rl_byte_set rl_byte_set_of(rl_slice bytes);
/* Space, \t, \n, \v, \f and \r: what Lua's %s means in the C locale. */
extern const rl_slice rl_white_space;

/* Without bytes of the set at the ends named (RL_SCAN_LEFT, RL_SCAN_RIGHT or both). */
rl_slice rl_scan_trim(rl_slice s, const rl_byte_set *set, int ends);

enum { RL_SCAN_NOWHERE = -1, RL_SCAN_NOMEM = -2 };

/* Where `part` stands at or after `from` (from <= s.len), or RL_SCAN_NOWHERE. An empty part stands everywhere. */
long rl_scan_find(rl_slice s, rl_slice part, size_t from);
/* Where `part` stands last, so that it ends at or before `stop` (stop <= s.len); RL_SCAN_NOWHERE, or RL_SCAN_NOMEM. */
long rl_scan_find_last(rl_slice s, rl_slice part, size_t stop);

typedef enum rl_number_kind { RL_NUMBER_NONE, RL_NUMBER_INTEGER, RL_NUMBER_REAL } rl_number_kind;

/* What a text is, as people and HTML's <input type=number> write numbers: white space around, a sign, digits; a point with
 * digits on one side of it at least, an exponent. Nothing else: no hexadecimal, no "inf". */
rl_number_kind rl_scan_number(rl_slice s);

#endif
