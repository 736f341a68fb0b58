/*
 * The place of an error in a text of SQL, as people see it: line and column, and the line itself with a mark below.
 *
 *   SELECT id,                line 2, column 3:
 *     titel FROM posts          titel FROM posts
 *                               ^
 *
 * What is shown is UTF-8 whatever the text is. Tabs become spaces, what is no character becomes '?', so that the mark stands
 * where it should. A long line is cut around the place.
 */
#ifndef RL_DATA_EXCERPT_H
#define RL_DATA_EXCERPT_H

#include "base/slice.h"

typedef struct rl_excerpt_place {
  unsigned line, column; /* from 1; a column is a character */
} rl_excerpt_place;

enum { RL_EXCERPT_SIZE = 1024 }; /* holds every excerpt, with its NUL */

/* Returns the place of `at`, which points into `text` or to its end. */
rl_excerpt_place rl_excerpt_place_of(rl_slice text, const char *at);
/* Writes the line of `at`, indented; with a second line that marks the place, if `marked`. */
void rl_excerpt_of_line(char out[RL_EXCERPT_SIZE], rl_slice text, const char *at, bool marked);
/* Writes the beginning of a text in one line: each run of white space is one space. */
void rl_excerpt_of_text(char out[RL_EXCERPT_SIZE], rl_slice text);

#endif
