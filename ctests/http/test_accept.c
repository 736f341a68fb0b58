#include "http/accept.h"

#include "support/test.h"

static int quality(const char *accept, const char *type) {
  return rl_accept_quality(rl_slice_str(accept), rl_slice_str(type));
}

TEST(the_most_specific_range_counts) {
  UNUSED;
  const char *accept = "text/*;q=0.3, text/html;q=0.7, text/plain, */*;q=0.5"; /* after RFC 9110 section 12.5.1 */
  assert_int_equal(quality(accept, "text/html"), 700);
  assert_int_equal(quality(accept, "text/plain"), 1000);
  assert_int_equal(quality(accept, "text/css"), 300);
  assert_int_equal(quality(accept, "image/png"), 500);
  assert_int_equal(quality("text/html;q=0, */*", "text/html"), 0);
  assert_int_equal(quality("*/*;q=0.1, text/html;q=0", "text/html"), 0);
}

TEST(what_is_not_named_is_not_liked) {
  UNUSED;
  assert_int_equal(quality("text/html", "application/json"), 0);
  assert_int_equal(quality("", "text/html"), 0);
  assert_int_equal(quality("text", "text/html"), 0);
  assert_int_equal(quality("*", "text/html"), 0);
  assert_int_equal(quality("tex*/*", "text/html"), 0);
}

TEST(case_parameters_and_blanks_do_not_matter) {
  UNUSED;
  assert_int_equal(quality("Text/HTML ; Level=1 ; Q=0.25", "text/html"), 250);
  assert_int_equal(quality("text/html;level=1;q=0.2,text/html;level=2;q=0.4", "text/html"), 400);
  assert_int_equal(quality("text/html; v=\"a,b\";q=0.5", "text/html"), 500);
}

TEST(a_quality_that_is_none_is_one) {
  UNUSED;
  assert_int_equal(quality("a/b;q=1.000", "a/b"), 1000);
  assert_int_equal(quality("a/b;q=0.001", "a/b"), 1);
  assert_int_equal(quality("a/b;q=0.", "a/b"), 0);
  assert_int_equal(quality("a/b;q=2", "a/b"), 1000);
  assert_int_equal(quality("a/b;q=0.0001", "a/b"), 1000);
  assert_int_equal(quality("a/b;q=-1", "a/b"), 1000);
  assert_int_equal(quality("a/b;q=1.5", "a/b"), 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_most_specific_range_counts),
      RUN(what_is_not_named_is_not_liked),
      RUN(case_parameters_and_blanks_do_not_matter),
      RUN(a_quality_that_is_none_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
