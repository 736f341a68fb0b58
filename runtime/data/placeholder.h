/*
 * Finds the places in a text of SQL that take parameters: `?`, `?7`, `:name`, `@name`, `$name`. What stands in quotes, in
 * comments or inside words is none. `::` (a cast) is none either.
 *
 *   SELECT '?' FROM t -- ?
 *   WHERE id IN ( ? ) AND owner = :owner
 *                 |               \ text ":owner"
 *                 \ text "?", alone in the parentheses of an IN
 *
 * It knows the words of SQL, not its grammar: a text that is not valid is left for the engine to refuse. Pure; the text is
 * borrowed.
 */
#ifndef RL_DATA_PLACEHOLDER_H
#define RL_DATA_PLACEHOLDER_H

#include <stdbool.h>

#include "base/slice.h"

typedef struct rl_placeholder {
  rl_slice text; /* with its sign */
  bool in_list;  /* stands alone in the parentheses of IN (…) */
} rl_placeholder;

typedef struct rl_placeholder_scan {
  rl_slice sql;
  size_t at;
  int before; /* what kind of word or sign was last */
} rl_placeholder_scan;

static inline rl_placeholder_scan rl_placeholders_of(rl_slice sql) { return (rl_placeholder_scan){.sql = sql}; }
/* Finds the next one. Returns false at the end. */
bool rl_placeholder_next(rl_placeholder_scan *scan, rl_placeholder *out);

#endif
