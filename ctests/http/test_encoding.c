#include "http/encoding.h"

#include "support/test.h"

enum { ID = 1 << RL_ENCODING_IDENTITY, GZ = 1 << RL_ENCODING_GZIP, BR = 1 << RL_ENCODING_BROTLI, ALL = ID | GZ | BR };

static const char *choose(const char *header, unsigned set) {
  rl_accepted accepted = rl_accept_encoding(rl_field_list_text(header ? rl_slice_str(header) : RL_SLICE_NONE));
  return rl_encoding_name(rl_encoding_choose(&accepted, set));
}

TEST(without_a_header_nothing_is_coded) {
  UNUSED;
  assert_string_equal(choose(NULL, ALL), "identity");
  assert_string_equal(choose("", ALL), "identity");
}

TEST(of_equal_quality_brotli_goes_before_gzip) {
  UNUSED;
  assert_string_equal(choose("gzip, deflate, br", ALL), "br");
  assert_string_equal(choose("gzip, deflate, br", ID | GZ), "gzip");
  assert_string_equal(choose("gzip, deflate, br", ID), "identity");
}

TEST(the_better_quality_wins) {
  UNUSED;
  assert_string_equal(choose("br;q=0.5, gzip;q=0.8", ALL), "gzip");
  assert_string_equal(choose("br;q=0.001, gzip;q=0", ALL), "br");
  assert_string_equal(choose("br ; q=0.5 , GZIP;Q=0.8", ALL), "gzip");
  assert_string_equal(choose("gzip;q=0.2, identity;q=0.8", ALL), "identity");
}

TEST(zero_forbids) {
  UNUSED;
  assert_string_equal(choose("gzip;q=0, br;q=0.000", ALL), "identity");
  assert_string_equal(choose("*;q=0, gzip", ALL), "gzip");
  assert_string_equal(choose("br;q=0, *", ALL), "gzip");
}

TEST(a_star_stands_for_what_is_not_named) {
  UNUSED;
  assert_string_equal(choose("*", ALL), "br");
  assert_string_equal(choose("gzip;q=0.5, *;q=0.3", ALL), "gzip");
}

TEST(the_old_name_of_gzip) {
  UNUSED;
  assert_string_equal(choose("x-gzip", ALL), "gzip");
}

TEST(a_quality_that_cannot_be_read_is_one) {
  UNUSED;
  assert_string_equal(choose("gzip;q=x, br;q=0.9", ALL), "gzip");
  assert_string_equal(choose("gzip;level=1, br;q=0.9", ALL), "gzip");
  assert_string_equal(choose(",,gzip;;,", ALL), "gzip");
}

TEST(what_is_worth_compressing) {
  UNUSED;
  static const char *const yes[] = {"text/html",
                                    "text/plain; charset=utf-8",
                                    "TEXT/CSS",
                                    "application/json",
                                    "application/problem+json",
                                    "image/svg+xml",
                                    "application/javascript",
                                    "application/atom+xml; charset=utf-8"};
  static const char *const no[] = {
      "image/png", "video/mp4", "application/zip", "text/event-stream", "", "application/octet-stream",
      "text/",     "font/woff2"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) assert_true(rl_encoding_helps(rl_slice_str(yes[i])));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) assert_false(rl_encoding_helps(rl_slice_str(no[i])));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(without_a_header_nothing_is_coded),
      RUN(of_equal_quality_brotli_goes_before_gzip),
      RUN(the_better_quality_wins),
      RUN(zero_forbids),
      RUN(a_star_stands_for_what_is_not_named),
      RUN(the_old_name_of_gzip),
      RUN(a_quality_that_cannot_be_read_is_one),
      RUN(what_is_worth_compressing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
