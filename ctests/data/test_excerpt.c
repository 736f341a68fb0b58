/* Places in texts of SQL, as people see them. */
#include "data/excerpt.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "support/test.h"

/* '|' in the text is where the error is. */
static void assert_excerpt(const char *marked, unsigned line, unsigned column, const char *wanted) {
  char text[2048], out[RL_EXCERPT_SIZE];
  size_t at = strcspn(marked, "|");
  memcpy(text, marked, at);
  strcpy(text + at, marked + at + 1);
  rl_excerpt_place place = rl_excerpt_place_of(rl_slice_str(text), text + at);
  assert_int_equal(place.line, line);
  assert_int_equal(place.column, column);
  rl_excerpt_of_line(out, rl_slice_str(text), text + at, true);
  assert_string_equal(out, wanted);
}

TEST(the_line_with_a_mark_below) {
  UNUSED;
  assert_excerpt("SELECT |a", 1, 8, "  SELECT a\n         ^");
  assert_excerpt("|", 1, 1, "  \n  ^");
  assert_excerpt("a\n|\nb", 2, 1, "  \n  ^");
  assert_excerpt("SELECT 1\n\n\t  FROM\t|x\t\r\nWHERE 1", 3, 9, "  FROM x\n       ^");
  assert_excerpt("SELECT 1 FROM|", 1, 14, "  SELECT 1 FROM\n               ^");
  assert_excerpt("SELECT '\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8D\xB0', |x", 1, 15,
                 "  SELECT '\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8D\xB0', x\n                ^");
  assert_excerpt("'\x80\xFF\x01\xE2\x80\xAE' |x", 1, 8, "  '?\?\?\?' x\n         ^");
}

static char *repeated(char *out, const char *what, int count) {
  *out = 0;
  for (int i = 0; i < count; i++) strcat(out, what);
  return out;
}

TEST(a_long_line_is_cut_around_the_place) {
  UNUSED;
  char marked[2048], wanted[RL_EXCERPT_SIZE], part[1024];
  snprintf(marked, sizeof marked, "%s|x", repeated(part, "\xC3\xA9", 100));
  snprintf(wanted, sizeof wanted, "  \xE2\x80\xA6 %sx\n%52s^", repeated(part, "\xC3\xA9", 48), "");
  assert_excerpt(marked, 1, 101, wanted);
  snprintf(marked, sizeof marked, "|%s", repeated(part, "\xC3\xA9", 100));
  snprintf(wanted, sizeof wanted, "  %s \xE2\x80\xA6\n  ^", repeated(part, "\xC3\xA9", 48));
  assert_excerpt(marked, 1, 1, wanted);
}

TEST(the_beginning_of_a_text_in_one_line) {
  UNUSED;
  char out[RL_EXCERPT_SIZE], text[1024], wanted[1024];
  rl_excerpt_of_text(out, RL_SLICE("\n  SELECT a,\n\t\tb\r\n"));
  assert_string_equal(out, "SELECT a, b");
  rl_excerpt_of_text(out, RL_SLICE(""));
  assert_string_equal(out, "");
  rl_excerpt_of_text(out, rl_slice_str(repeated(text, "\xE2\x82\xAC", 201)));
  snprintf(wanted, sizeof wanted, "%s \xE2\x80\xA6", repeated(text, "\xE2\x82\xAC", 200));
  assert_string_equal(out, wanted);
}

/* Random bytes in a buffer of exactly that size: the sanitizer sees a byte too many, and what is shown is UTF-8. */
TEST(any_bytes_and_any_place) {
  UNUSED;
  srand(16);
  for (int round = 0; round < 2000; round++) {
    size_t len = (size_t)(rand() % 300);
    char *text = malloc(len ? len : 1), out[RL_EXCERPT_SIZE];
    for (size_t i = 0; i < len; i++) text[i] = (char)(rand() % 4 ? rand() % 256 : "\n\t \xF0\x9F"[rand() % 5]);
    const char *at = text + (len ? (size_t)rand() % (len + 1) : 0);
    rl_excerpt_of_line(out, rl_slice_of(text, len), at, true);
    assert_true(rl_utf8_valid(rl_slice_str(out)));
    rl_excerpt_of_text(out, rl_slice_of(text, len));
    assert_true(rl_utf8_valid(rl_slice_str(out)));
    assert_true(rl_excerpt_place_of(rl_slice_of(text, len), at).line >= 1);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(the_line_with_a_mark_below), RUN(a_long_line_is_cut_around_the_place),
                                     RUN(the_beginning_of_a_text_in_one_line), RUN(any_bytes_and_any_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
