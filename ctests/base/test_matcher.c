#include "base/matcher.h"

#include "support/test.h"

/* spec/rille/pattern_spec.lua compares results with Lua's own; this file tests the matcher's own promises. */

static char shown[256];

/* Returns "from-to capture capture …", "none", or the fault. */
static const char *look(const char *subject, const char *pattern) {
  rl_matcher m;
  const char *start, *end;
  rl_slice text;
  rl_matcher_init(&m, rl_slice_str(subject), rl_slice_str(pattern), true);
  int result = rl_matcher_find(&m, subject, NULL, &start, &end), len;
  if (result == RL_MATCH_NONE) return "none";
  if (result == RL_MATCH_FAULT) return snprintf(shown, sizeof shown, m.fault, m.fault_number), shown;
  len = snprintf(shown, sizeof shown, "%d-%d", (int)(start - subject), (int)(end - subject));
  for (unsigned i = 0; i < m.captures; i++) {
    int kind = rl_matcher_capture(&m, i, &text);
    if (kind == RL_CAPTURE_TEXT) len += snprintf(shown + len, sizeof shown - (size_t)len, " %.*s", RL_FMT(text));
    else
      len += snprintf(shown + len, sizeof shown - (size_t)len, kind == RL_CAPTURE_PLACE ? " @%d" : " open@%d",
                      (int)(text.data - subject));
  }
  return shown;
}

#define LOOK(subject, pattern, expected) assert_string_equal(look(subject, pattern), expected)

TEST(parts_of_a_pattern) {
  UNUSED;
  LOOK("hello", "l", "2-3");
  LOOK("hello", "l+", "2-4");
  LOOK("hello", "x*", "0-0");
  LOOK("hello", "^h", "0-1");
  LOOK("hello", "^e", "none");
  LOOK("hello", "o$", "4-5");
  LOOK("hello", "l$", "none");
  LOOK("a$b", "$b", "1-3");
  LOOK("hello", "(h)(.-)(o)", "0-5 h ell o");
  LOOK("hello", "()ll()", "2-4 @2 @4");
  LOOK("hello", "(l)%1", "2-4 l");
  LOOK("f(a(b)c)d", "%b()", "1-8");
  LOOK("THE (quick) fox", "%f[%a]%l+", "5-10");
  LOOK("x = 12", "[%d]+", "4-6");
  LOOK("a]b", "[]]", "1-2");
  LOOK("a-b", "[a-]+", "0-2");
  LOOK("", "", "0-0");
}

TEST(faults_are_noticed_when_the_match_comes_to_them) {
  UNUSED;
  LOOK("a", "a%", "malformed pattern (ends with '%')");
  LOOK("a", "[a", "malformed pattern (missing ']')");
  LOOK("a", "[a%]", "malformed pattern (missing ']')");
  LOOK("a", "%b(", "malformed pattern (missing arguments to '%b')");
  LOOK("a", "%fa", "missing '[' after '%f' in pattern");
  LOOK("a", "a)", "invalid pattern capture");
  LOOK("a", "(a%1)", "invalid capture index %1");
  LOOK("a", "%0", "invalid capture index %0");
  LOOK("b", "a[", "none");
  LOOK("a", "(a", "0-1 open@0");
}

TEST(what_goes_back_restores_captures) {
  UNUSED;
  LOOK("aab", "(a*)(a)b", "0-3 a a");
  LOOK("abc", "(a)(b?)(b)c", "0-3 a  b");
  LOOK("xay", "(x)(a-)(a)y", "0-3 x  a");
  LOOK("aXbXc", "^(.*)X(.*)$", "0-5 aXb c");
}

TEST(too_much_is_a_fault_and_no_overflow) {
  UNUSED;
  char pattern[1024], subject[512];
  for (int i = 0; i < 33; i++) memcpy(pattern + 2 * i, "()", 3);
  LOOK("a", pattern, "too many captures");
  for (int i = 0; i < 200; i++) memcpy(pattern + 2 * i, "a?", 3);
  memset(subject, 'a', sizeof subject - 1);
  subject[sizeof subject - 1] = 0;
  LOOK(subject, pattern, "pattern too complex");
  pattern[398] = 0;
  LOOK(subject, pattern, "0-199");
  for (int i = 0; i < 200; i++) memcpy(pattern + 2 * i, "a-", 3);
  LOOK(subject, pattern, "pattern too complex");
}

TEST(the_end_of_the_last_match_can_be_left_out) {
  UNUSED;
  rl_matcher m;
  const char *subject = "ab", *start, *end;
  rl_matcher_init(&m, rl_slice_str(subject), RL_SLICE("b*"), false);
  assert_int_equal(rl_matcher_find(&m, subject, subject, &start, &end), RL_MATCH_FOUND);
  assert_ptr_equal(start, subject + 1);
  assert_ptr_equal(end, subject + 2);
  assert_int_equal(rl_matcher_find(&m, end, end, &start, &end), RL_MATCH_NONE);
}

TEST(an_anchor_is_a_byte_where_there_are_none) {
  UNUSED;
  rl_matcher m;
  const char *subject = "a^b", *start, *end;
  rl_matcher_init(&m, rl_slice_str(subject), RL_SLICE("^b"), false);
  assert_int_equal(rl_matcher_find(&m, subject, NULL, &start, &end), RL_MATCH_FOUND);
  assert_ptr_equal(start, subject + 1);
}

/* ---- steps ----------------------------------------------------------------------------------------------------------- */

enum { LONG = 1 << 20 };

static unsigned pauses, most_pauses;
static jmp_buf out;

static void on_pause(rl_matcher *m) {
  assert_ptr_equal(m->owner, &pauses);
  if (++pauses == most_pauses) longjmp(out, 1);
}

static char *long_text(char last) {
  char *text = test_malloc(LONG);
  memset(text, 'a', LONG);
  text[LONG - 1] = last;
  return text;
}

static int count_pauses(rl_slice text, rl_slice pattern) {
  rl_matcher m;
  const char *start, *end;
  pauses = 0;
  rl_matcher_init(&m, text, pattern, true);
  m.on_pause = on_pause;
  m.owner = &pauses;
  return rl_matcher_find(&m, text.data, NULL, &start, &end);
}

TEST(every_part_that_may_be_long_pauses) {
  UNUSED;
  most_pauses = 0;
  char *text = long_text('b');
  static const char *const patterns[] = {"^a*b",    "^.*b",  "^[a]*b",  "^%l*$", "^a-b",
                                         "^[ac]-b", "^%bab", "^(a*)%1", "c?b"};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    count_pauses(rl_slice_of(text, LONG), rl_slice_str(patterns[i]));
    if (pauses < LONG / RL_MATCHER_STEPS / 2 || pauses > 16 * LONG / RL_MATCHER_STEPS)
      fail_msg("%s: %u pauses", patterns[i], pauses);
  }
  test_free(text);
}

TEST(a_long_set_costs_what_it_is_long) {
  UNUSED;
  most_pauses = 0;
  char *text = long_text('b'), set[4096];
  memset(set, 'c', sizeof set);
  set[0] = '[';
  set[sizeof set - 3] = 'a';
  set[sizeof set - 2] = ']';
  set[sizeof set - 1] = '*';
  count_pauses(rl_slice_of(text, LONG / 64), rl_slice_of(set, sizeof set));
  assert_true(pauses >= LONG / 64 / 16 * sizeof set / RL_MATCHER_STEPS);
  test_free(text);
}

TEST(a_pause_may_leave_for_good) {
  UNUSED;
  char *text = long_text('a');
  most_pauses = 20;
  if (!setjmp(out)) {
    count_pauses(rl_slice_of(text, LONG), RL_SLICE("a-a-a-a-b")); /* would take years */
    fail();
  }
  assert_int_equal(pauses, 20);
  test_free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(parts_of_a_pattern),
                                     RUN(faults_are_noticed_when_the_match_comes_to_them),
                                     RUN(what_goes_back_restores_captures),
                                     RUN(too_much_is_a_fault_and_no_overflow),
                                     RUN(the_end_of_the_last_match_can_be_left_out),
                                     RUN(an_anchor_is_a_byte_where_there_are_none),
                                     RUN(every_part_that_may_be_long_pauses),
                                     RUN(a_long_set_costs_what_it_is_long),
                                     RUN(a_pause_may_leave_for_good)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
