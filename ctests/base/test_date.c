#define _GNU_SOURCE
#include "base/date.h"

#include <time.h>

#include "base/error.h"
#include "support/test.h"

static const int64_t now = 1795270652; /* 2026-11-22 */

static void assert_date(const char *text, int64_t seconds) {
  int64_t got = 0;
  assert_int_equal(rl_date_parse(rl_slice_str(text), now, &got), 0);
  assert_int_equal(got, seconds);
}

static void assert_no_date(const char *text) {
  int64_t got = 77;
  size_t len = strlen(text);
  char *copy = test_malloc(len + 1); /* of exactly its size */
  memcpy(copy, text, len);
  if (rl_date_parse(rl_slice_of(copy, len), now, &got) != RL_ESYNTAX) fail_msg("'%s' was taken", text);
  assert_int_equal(got, 77);
  test_free(copy);
}

TEST(writes_what_the_c_library_writes) {
  UNUSED;
  for (int64_t day = -25567; day < 90000; day++) { /* 1900 to 2216 */
    int64_t seconds = day * 86400 + (day * 7919) % 86400;
    time_t when = (time_t)seconds;
    struct tm parts;
    char want[64], got[RL_DATE_LEN + 1];
    gmtime_r(&when, &parts);
    strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    rl_date_format(seconds, got);
    assert_string_equal(got, want);
    assert_date(got, seconds);
  }
}

TEST(writes_the_first_and_the_last_second) {
  UNUSED;
  char got[RL_DATE_LEN + 1];
  rl_date_format(0, got);
  assert_string_equal(got, "Thu, 01 Jan 1970 00:00:00 GMT");
  rl_date_format(253402300799, got);
  assert_string_equal(got, "Fri, 31 Dec 9999 23:59:59 GMT");
  rl_date_format(-62135596800, got);
  assert_string_equal(got, "Mon, 01 Jan 0001 00:00:00 GMT");
}

/* RFC 9110 section 5.6.7. */
TEST(reads_all_three_forms) {
  UNUSED;
  assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
  assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
  assert_date("Sun Nov  6 08:49:37 1994", 784111777);
  assert_date("Wed Nov 16 08:49:37 1994", 784975777);
  assert_date("Tue, 29 Feb 2000 23:59:60 GMT", 951868800); /* a leap second */
}

/* RFC 9110 section 5.6.7: more than fifty years ahead means the century before. */
TEST(two_digits_are_the_nearest_century) {
  UNUSED;
  assert_date("Sunday, 22-Nov-26 00:00:00 GMT", 1795305600);
  assert_date("Sunday, 22-Nov-76 00:00:00 GMT", 3373228800);
  assert_date("Tuesday, 22-Nov-77 00:00:00 GMT", 249004800);
}

TEST(a_wrong_day_of_the_week_is_no_matter) {
  UNUSED;
  assert_date("Mon, 06 Nov 1994 08:49:37 GMT", 784111777);
}

TEST(refuses_everything_else) {
  UNUSED;
  static const char *const bad[] = {"",
                                    "S",
                                    "Su",
                                    "Sun",
                                    "SuS",
                                    "Sun,",
                                    "Sunday",
                                    "Sunday,",
                                    "Sund",
                                    ",",
                                    "now",
                                    "0",
                                    "784111777",
                                    "Sun, 06 Nov 1994 08:49:37",
                                    "Sun, 06 Nov 1994 08:49:37 UTC",
                                    "Sun, 06 Nov 1994 08:49:37 GMT ",
                                    "Sun, 06 Nov 1994 08:49:37 +0000",
                                    "sun, 06 Nov 1994 08:49:37 GMT",
                                    "Sun, 06 nov 1994 08:49:37 GMT",
                                    "Sun, 6 Nov 1994 08:49:37 GMT",
                                    "Sun, 006 Nov 1994 08:49:37 GMT",
                                    "Sun, 06 Nov 94 08:49:37 GMT",
                                    "Sun, 06 Nov 19940 08:49:37 GMT",
                                    "Sun, 00 Nov 1994 08:49:37 GMT",
                                    "Sun, 32 Dec 1994 08:49:37 GMT",
                                    "Fri, 31 Nov 1994 08:49:37 GMT",
                                    "Mon, 29 Feb 1999 08:49:37 GMT",
                                    "Mon, 29 Feb 1900 08:49:37 GMT",
                                    "Sun, 06 Nov 1994 24:00:00 GMT",
                                    "Sun, 06 Nov 1994 08:60:37 GMT",
                                    "Sun, 06 Nov 1994 08:49:61 GMT",
                                    "Sun, 06 Nov 1994 8:49:37 GMT",
                                    "Sun,06 Nov 1994 08:49:37 GMT",
                                    "Sun, 06  Nov 1994 08:49:37 GMT",
                                    "Xyz, 06 Nov 1994 08:49:37 GMT",
                                    "Sunday, 06-Nov-1994 08:49:37 GMT",
                                    "Sunday, 06 Nov 94 08:49:37 GMT",
                                    "Someday, 06-Nov-94 08:49:37 GMT",
                                    "Sun Nov 6 08:49:37 1994",
                                    "Sun Nov  6 08:49:37 94",
                                    "Sun Nov  6 08:49:37 1994 GMT",
                                    "Sun Nov 06 08:49:37",
                                    "Sun, -6 Nov 1994 08:49:37 GMT",
                                    "Sun, 06 Nov 1994 08:49:37 GMT\n",
                                    "Sun, 06 Nov 1994 08:49:3\xd9\xa1 GMT"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_no_date(bad[i]);
}

TEST(a_date_cut_short_anywhere_is_none) {
  UNUSED;
  static const char *const good[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                     "Sun Nov  6 08:49:37 1994"};
  char text[40];
  for (size_t i = 0; i < 3; i++)
    for (size_t len = 0; len < strlen(good[i]); len++) {
      memcpy(text, good[i], len);
      text[len] = 0;
      assert_no_date(text);
    }
}

TEST(log_times_have_milliseconds_and_go_before_1970_too) {
  UNUSED;
  char got[25];
  rl_date_format_iso(1795357052123, got);
  assert_string_equal(got, "2026-11-22T14:17:32.123Z");
  rl_date_format_iso(-1, got);
  assert_string_equal(got, "1969-12-31T23:59:59.999Z");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(writes_what_the_c_library_writes),
      RUN(writes_the_first_and_the_last_second),
      RUN(reads_all_three_forms),
      RUN(two_digits_are_the_nearest_century),
      RUN(a_wrong_day_of_the_week_is_no_matter),
      RUN(refuses_everything_else),
      RUN(a_date_cut_short_anywhere_is_none),
      RUN(log_times_have_milliseconds_and_go_before_1970_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
