/* Dot segments: which paths lead above the one that they are put below. */
#include "client/path.h"

#include "support/test.h"

TEST(a_path_climbs_where_any_reading_of_it_does) {
  UNUSED;
  static const char *const climbs[] = {"..",      "/..",           "../x",          "x/../..",       "x/../../x/y/z",
                                       "%2e%2e",  ".%2E/x",        "/./../x",       "//..",          "x//../..",
                                       "..%2fx",  "x/..%2F..%2fy", "..\\x",         "%5c..%5Cx",     "x\\..\\..\\y",
                                       "../..?x", "x%2f..%2fy",    "x%2fy/../../z", "x%2fy/..%5c..", ".%2f./.."};
  static const char *const stays[] = {
      "",       "x",         "/x/..",    "x/../y/..",    "...", "..x", "x/%2e%2e/y", "?/../..",
      "#../..", "x?q=../..", "x/..%2fy", "%252e%252e/x", ".",   "./.", "..;x",
  };
  for (size_t i = 0; i < sizeof climbs / sizeof *climbs; i++)
    if (!rl_path_climbs(rl_slice_str(climbs[i]))) fail_msg("'%s' climbs", climbs[i]);
  for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
    if (rl_path_climbs(rl_slice_str(stays[i]))) fail_msg("'%s' stays", stays[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_path_climbs_where_any_reading_of_it_does)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
