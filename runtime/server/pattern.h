/*
 * A route's pattern, cut into segments: "/posts/{id:int}" is the literal "posts" and the parameter id with converter int.
 * Used by the router to match, and by url_for to go the other way.
 */
#ifndef RL_SERVER_PATTERN_H
#define RL_SERVER_PATTERN_H

#include "base/buf.h"
#include "base/slice.h"

typedef struct rl_pattern_part {
  bool param;
  rl_slice text;      /* the literal segment, or the parameter's name */
  rl_slice converter; /* its name; "str" where none was written */
  int convert;        /* its number, filled in by the router */
} rl_pattern_part;

typedef struct rl_pattern {
  char *source; /* owned; everything else are slices of it */
  rl_pattern_part *parts;
  size_t count;
} rl_pattern;

/* Copies and cuts `source`. 0, RL_ESYNTAX with a line in `why`, or RL_ENOMEM; to be freed in either case. */
int rl_pattern_parse(rl_pattern *pattern, rl_slice source, rl_buf *why);
void rl_pattern_free(rl_pattern *pattern);
/* Returns our name of another framework's converter: "int" for "integer". A name that is none of theirs comes back. */
rl_slice rl_pattern_converter_of(rl_slice name);

#endif
