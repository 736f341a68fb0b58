#include "data/placeholder.h"

#include "base/buf.h"
#include "support/test.h"

/* Checks which placeholders a text has: "? :a", with a * after those that stand alone in IN (…). */
static void check(const char *sql, const char *expected) {
  rl_placeholder_scan scan = rl_placeholders_of(rl_slice_str(sql));
  rl_placeholder p;
  rl_buf found;
  rl_buf_init(&found, RL_BUF_NO_LIMIT);
  while (rl_placeholder_next(&scan, &p)) {
    if (found.len) rl_buf_add_char(&found, ' ');
    rl_buf_add_slice(&found, p.text);
    if (p.in_list) rl_buf_add_char(&found, '*');
    assert_true(p.text.data >= sql && p.text.data + p.text.len <= sql + strlen(sql));
  }
  if (found.len) assert_slice(rl_buf_slice(&found), expected);
  else assert_string_equal(expected, "");
  rl_buf_free(&found);
}

TEST(placeholders_of_all_kinds_are_found) {
  UNUSED;
  check("", "");
  check("?", "?");
  check("SELECT ?, ?12, :name, @name, $name, :\xc3\xa9", "? ?12 :name @name $name :\xc3\xa9");
  check("a=?AND b=:b+1", "? :b");
  check("(?)", "?");
}

TEST(what_is_quoted_or_a_comment_is_none) {
  UNUSED;
  check("'?' \"?\" `?` [?] ?", "?");
  check("'it''s ?' ? '' ?", "? ?");
  check("-- ?\n ? /* ? */ ? /* * / ? */", "? ?");
  check("a - ? / ? * ?", "? ? ?");
  check("'?", "");
  check("/* ?", "");
  check("-- ?", "");
  check("? --", "?");
  check("? /", "?");
  check("'", "");
  check("[", "");
}

TEST(signs_without_a_name_and_casts_are_none) {
  UNUSED;
  check(": @ $ ?", "?");
  check("x::text = ?", "?");
  check("a$b ?", "?");
  check(":", "");
  check("::", "");
}

TEST(one_alone_in_the_parentheses_of_in_is_known) {
  UNUSED;
  check("id IN (?)", "?*");
  check("id not in(:ids)", ":ids*");
  check("id IN -- x (\n ( /* ) */ ? /* x */ )", "?*");
  check("id IN (?, ?)", "? ?");
  check("id IN (1, ?)", "?");
  check("id IN ((?))", "?");
  check("id IN (?", "?");
  check("id IN ?", "?");
  check("f(?) join (?)", "? ?");
  check("min (?) IN (?)", "? ?*");
  check("\"in\" (?) [in] (?)", "? ?");
  check("IN '' (?)", "?");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(placeholders_of_all_kinds_are_found),
                                     cmocka_unit_test(what_is_quoted_or_a_comment_is_none),
                                     cmocka_unit_test(signs_without_a_name_and_casts_are_none),
                                     cmocka_unit_test(one_alone_in_the_parentheses_of_in_is_known)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
