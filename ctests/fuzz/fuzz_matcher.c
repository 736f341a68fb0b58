/*
 * Lua's patterns: the first byte of the input says how long the pattern is, the next one whether an anchor counts, the rest
 * is the subject. What is found stands in the subject, its captures too; looking again there finds the same; a match that
 * would take long can be left.
 */
#include "base/matcher.h"

#include <setjmp.h>

#include "fuzz/fuzz.h"

enum { PAUSES = 64, STEPS = 64 }; /* pauses are many, so that each part is left and taken up again */

static jmp_buf out;

static void on_pause(rl_matcher *m) {
  unsigned *pauses = m->owner;
  m->steps = STEPS;
  if (++*pauses == PAUSES) longjmp(out, 1);
}

static bool is_within(rl_slice part, rl_slice whole) {
  return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

static void check_captures(const rl_matcher *m, rl_slice subject) {
  rl_slice text;
  for (unsigned i = 0; i < m->captures; i++) {
    int kind = rl_matcher_capture(m, i, &text);
    HOLDS(kind != RL_CAPTURE_NONE && is_within(text, subject));
  }
  HOLDS(rl_matcher_capture(m, m->captures, &text) == RL_CAPTURE_NONE);
}

/* Every match from the front, as string.gsub goes. */
static void walk(rl_matcher *m, rl_slice subject) {
  const char *from = subject.data, *last = NULL, *start, *end, *again;
  while (rl_matcher_find(m, from, last, &start, &end) == RL_MATCH_FOUND) {
    HOLDS(start >= from && end >= start && end <= subject.data + subject.len && end != last);
    HOLDS(!m->anchored || start == subject.data);
    check_captures(m, subject);
    HOLDS(rl_matcher_find(m, start, last, &again, &from) == RL_MATCH_FOUND && again == start && from == end);
    last = end;
    if (m->anchored) return;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  rl_slice rest = fuzz_slice(data + 2, size - 2), pattern, subject;
  char *pattern_copy = fuzz_cut(&rest, data[0] ? data[0] : 1, NULL, &pattern);
  char *subject_copy = fuzz_cut(&rest, 0, NULL, &subject);
  static rl_matcher m; /* what longjmp leaves must not be in registers */
  static unsigned pauses;
  pauses = 0;
  rl_matcher_init(&m, subject, pattern, data[1] & 1);
  m.on_pause = on_pause;
  m.steps = STEPS;
  m.owner = &pauses;
  if (!setjmp(out)) walk(&m, subject);
  HOLDS(!m.fault || !rl_matcher_is_plain(pattern) || memchr(pattern.data, ')', pattern.len));
  free(pattern_copy);
  free(subject_copy);
  return 0;
}
