/*
 * Lua 5.4's patterns (reference manual, section 6.4.1), matched so that whoever waits can stop it: steps are counted, and
 * every RL_MATCHER_STEPS of them a callback is asked, which may leave by longjmp.
 *
 * A pattern is read as it stands, there is nothing to compile. Where a part can match in several ways, the one that was not
 * tried yet goes onto a stack of its own (no recursion in C):
 *
 *   "^(%w*)=(.-);"     way 1: %w* with one byte less     way 2: .- with one byte more      a failure goes back to the last way
 *
 * What a pattern can mean depends on the place alone, because the language has no alternatives: so how many captures are
 * open behind a way is kept in it, and going back restores them. An error of the pattern is noticed when the match comes to
 * it, as in Lua's own library: "x[" is no error where there is no x.
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
  const unsigned short *classes;     /* what each byte is, of the C library */
  bool anchored;
  int first;      /* the byte that every match begins with, or -1 */
  int32_t steps;  /* until the next pause */
  unsigned depth; /* of the part that is matched */
  uint32_t open;  /* captures that are not closed, one bit for each */
  unsigned captures;
  void (*on_pause)(rl_matcher *matcher); /* or NULL */
  void *owner;                           /* its own */
  const char *fault;                     /* what is wrong with the pattern: a format of printf's, for fault_number */
  int fault_number;
  rl_capture capture[RL_MATCHER_CAPTURES];
};

/* `anchors`: a "^" in front means the start (not so in string.gmatch). */
void rl_matcher_init(rl_matcher *matcher, rl_slice subject, rl_slice pattern, bool anchors);
/* Looks for the first match that begins at `from` or after it, and does not end at `but` (NULL: wherever it ends).
 * RL_MATCH_FOUND with where it starts and ends, RL_MATCH_NONE, or RL_MATCH_FAULT. Captures stay until the next call. */
int rl_matcher_find(rl_matcher *matcher, const char *from, const char *but, const char **start, const char **end);
/* What a capture of the last match holds, from 0. Of RL_CAPTURE_PLACE the slice's start. */
int rl_matcher_capture(const rl_matcher *matcher, unsigned index, rl_slice *out);
/* Whether a pattern has no special bytes: it can only match itself. */
bool rl_matcher_is_plain(rl_slice pattern);

#endif
