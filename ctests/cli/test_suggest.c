/* Which word a mistyped one is most like. */
#include "cli/suggest.h"

#include "cli/commands.h"
#include "cli/options.h"
#include "support/test.h"

/* The word of "a b c" that `name` is most like, or "". */
static const char *suggest(const char *name, const char *words) {
  static char copy[256];
  rl_suggestion s;
  snprintf(copy, sizeof copy, "%s", words);
  rl_suggest_start(&s, name);
  for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) rl_suggest_try(&s, word);
  return s.best ? s.best : "";
}

TEST(each_kind_of_slip_counts_once) {
  UNUSED;
  assert_string_equal(suggest("nw", "new"), "new");   /* left out */
  assert_string_equal(suggest("neww", "new"), "new"); /* added */
  assert_string_equal(suggest("nee", "new"), "new");  /* changed */
  assert_string_equal(suggest("nwe", "new"), "new");  /* the wrong way round */
  assert_string_equal(suggest("nEW", "new"), "new");  /* case is none */
  assert_string_equal(suggest("rotues", "routes"), "routes");
}

TEST(a_short_word_has_one_slip_a_long_one_two) {
  UNUSED;
  assert_string_equal(suggest("abxx", "abcd"), "");
  assert_string_equal(suggest("abcdxx", "abcdef"), "abcdef");
  assert_string_equal(suggest("abcxxx", "abcdef"), "");
  assert_string_equal(suggest("--prt", "--port"), "--port"); /* dashes are no letters */
  assert_string_equal(suggest("--xxrt", "--port"), "");
}

TEST(the_nearest_wins_and_of_two_the_first) {
  UNUSED;
  assert_string_equal(suggest("routs", "router routes"), "routes");
  assert_string_equal(suggest("bat", "cat hat"), "cat");
}

TEST(words_that_are_too_long_or_empty_are_like_nothing) {
  UNUSED;
  char long_word[200];
  memset(long_word, 'a', sizeof long_word - 1);
  long_word[sizeof long_word - 1] = 0;
  assert_string_equal(suggest(long_word, "aaaa"), "");
  assert_string_equal(suggest("aaaa", long_word), "");
  assert_string_equal(suggest(long_word, long_word), "");
  assert_string_equal(suggest("", "a"), "");
  assert_string_equal(suggest("--", "-a"), "");
  long_word[32] = 0; /* the longest that is compared */
  assert_string_equal(suggest(long_word, long_word), long_word);
}

TEST(words_of_other_programs_lead_to_words_of_ours) {
  UNUSED;
  assert_string_equal(rl_suggest_command("init"), "new");
  assert_null(rl_suggest_command("serve"));
  assert_null(rl_suggest_command(""));
  assert_string_equal(rl_suggest_option("--bind"), "--host");
  assert_string_equal(rl_suggest_option("-w"), "--threads");
  assert_non_null(strchr(rl_suggest_option("--cert"), ' ')); /* a sentence */
  assert_null(rl_suggest_option("--port"));
}

/* A suggestion that does not exist would send people in a circle. */
TEST(each_word_that_is_suggested_exists) {
  UNUSED;
  static const char *const theirs[] = {"start", "server",   "up",       "init",  "create",     "generate",
                                       "lint",  "validate", "verify",   "watch", "repl",       "spec",
                                       "db",    "exec",     "diagnose", "env",   "completions"};
  static const char *const options[] = {"--bind", "--address", "-b", "-p", "--socket", "--workers", "-t"};
  for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
    assert_non_null(rl_command_find(rl_suggest_command(theirs[i])));
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    const char *ours = rl_suggest_option(options[i]), *known;
    bool found = false;
    for (unsigned k = 0; (known = rl_options_of(rl_command_find("serve"), k)); k++) found |= strcmp(known, ours) == 0;
    assert_true(found);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(each_kind_of_slip_counts_once),
      RUN(a_short_word_has_one_slip_a_long_one_two),
      RUN(the_nearest_wins_and_of_two_the_first),
      RUN(words_that_are_too_long_or_empty_are_like_nothing),
      RUN(words_of_other_programs_lead_to_words_of_ours),
      RUN(each_word_that_is_suggested_exists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
