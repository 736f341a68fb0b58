/*
 * Scans text that came from outside. Each function reads every byte a fixed number of times, for any input. Lua's patterns do
 * not promise that ("%d+%.?%d*x" takes the square of a run of digits), so lua/rille uses these where a pattern would
 * backtrack. Pure; bytes in, slices and places out.
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
/* Space, \t, \n, \v, \f and \r: the bytes of Lua's %s in the C locale. */
extern const rl_slice rl_white_space;

/* Removes bytes of the set at the ends named (RL_SCAN_LEFT, RL_SCAN_RIGHT or both). */
rl_slice rl_scan_trim(rl_slice s, const rl_byte_set *set, int ends);

enum { RL_SCAN_NOWHERE = -1, RL_SCAN_NOMEM = -2 };

/* Finds `part` at or after `from` (from <= s.len). Returns its place or RL_SCAN_NOWHERE. An empty part is found at once. */
long rl_scan_find(rl_slice s, rl_slice part, size_t from);
/* Finds the last `part` that ends at or before `stop` (stop <= s.len). Returns its place, RL_SCAN_NOWHERE or RL_SCAN_NOMEM. */
long rl_scan_find_last(rl_slice s, rl_slice part, size_t stop);

typedef enum rl_number_kind { RL_NUMBER_NONE, RL_NUMBER_INTEGER, RL_NUMBER_REAL } rl_number_kind;

/* Returns the kind of number that a text is, as people and HTML's <input type=number> write them: white space around it, a
 * sign, digits, a point with digits on at least one side, an exponent. No hexadecimal, no "inf". */
rl_number_kind rl_scan_number(rl_slice s);

#endif
