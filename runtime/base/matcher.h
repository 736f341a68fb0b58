/*
 * Lua 5.4's patterns (reference manual, section 6.4.1), matched so that a match can be stopped: it counts steps and calls a
 * callback after each RL_MATCHER_STEPS of them, which may leave by longjmp.
 *
 * A pattern is interpreted, not compiled. If a part can match in several ways, the one not tried yet goes onto a stack of its
 * own (no recursion in C):
 *
 *   "^(%w*)=(.-);"     way 1: %w* with one byte less     way 2: .- with one byte more      a failure goes back to the last way
 *
 * The language has no alternatives, so the place in the pattern alone decides which captures are open. Each way records that,
 * and going back restores it. An error of the pattern is noticed when the match comes to it, as in Lua's own library: "x[" is
 * no error if there is no x.
 *
 * The matcher borrows subject and pattern, and holds nothing.
 */
#ifndef RL_BASE_MATCHER_H
#define RL_BASE_MATCHER_H

#include "base/slice.h"

enum {
  RL_MATCHER_CAPTURES = 32, /* as Lua's LUA_MAXCAPTURES */
  RL_MATCHER_DEPTH = 200,   /* as its MAXCCALLS: captures and repetitions that one match may be inside of */
  RL_MATCHER_STEPS = 1 << 16
};

enum { RL_MATCH_FAULT = -1, RL_MATCH_NONE, RL_MATCH_FOUND };
enum { RL_CAPTURE_TEXT, RL_CAPTURE_PLACE, RL_CAPTURE_OPEN, RL_CAPTURE_NONE };

typedef struct rl_capture {
  const char *start;
  size_t len; /* SIZE_MAX: the place alone, "()" */
} rl_capture;

typedef struct rl_matcher rl_matcher;

struct rl_matcher {
  const char *subject, *subject_end;
  const char *pattern, *pattern_end; /* without the anchor */
  const unsigned short *classes;     /* the classes of each byte, from the C library */
  bool anchored;
  int first;      /* the byte that every match begins with, or -1 */
  int32_t steps;  /* until the next pause */
  unsigned depth; /* of the part that is matched */
  uint32_t open;  /* captures that are not closed, one bit for each */
  unsigned captures;
  void (*on_pause)(rl_matcher *matcher); /* or NULL */
  void *owner;                           /* its own */
  const char *fault;                     /* the error of the pattern: a format of printf's, for fault_number */
  int fault_number;
  rl_capture capture[RL_MATCHER_CAPTURES];
};

/* `anchors`: a leading "^" means the start (not so in string.gmatch). */
void rl_matcher_init(rl_matcher *matcher, rl_slice subject, rl_slice pattern, bool anchors);
/* Finds the first match that begins at `from` or after it and does not end at `but` (NULL: it may end anywhere). Returns
 * RL_MATCH_FOUND with its start and end, RL_MATCH_NONE, or RL_MATCH_FAULT. Captures stay until the next call. */
int rl_matcher_find(rl_matcher *matcher, const char *from, const char *but, const char **start, const char **end);
/* Reads a capture of the last match, from 0. For RL_CAPTURE_PLACE only the slice's start counts. */
int rl_matcher_capture(const rl_matcher *matcher, unsigned index, rl_slice *out);
/* Returns true if a pattern has no special bytes, so that it only matches itself. */
bool rl_matcher_is_plain(rl_slice pattern);

#endif
