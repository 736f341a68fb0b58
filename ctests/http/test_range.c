#include "http/range.h"

#include "support/test.h"

static rl_ranges ranges;

static int parse(const char *value, uint64_t size) { return rl_range_parse(rl_slice_str(value), size, &ranges); }

/* "0-99 200-299": first and last byte of each. */
static void assert_parts(const char *value, uint64_t size, const char *wanted) {
  char text[400] = "";
  assert_int_equal(parse(value, size), 206);
  for (int i = 0; i < ranges.count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu-%llu", i ? " " : "",
             (unsigned long long)ranges.items[i].start, (unsigned long long)ranges.items[i].end - 1);
  assert_string_equal(text, wanted);
}

TEST(the_examples_of_rfc_9110) {
  UNUSED;
  assert_parts("bytes=0-499", 10000, "0-499");
  assert_parts("bytes=500-999", 10000, "500-999");
  assert_parts("bytes=-500", 10000, "9500-9999");
  assert_parts("bytes=9500-", 10000, "9500-9999");
  assert_parts("bytes=0-0,-1", 10000, "0-0 9999-9999");
  assert_parts("bytes= 0-999, 4500-5499, -1000", 10000, "0-999 4500-5499 9000-9999");
  assert_parts("bytes=500-600,601-999", 10000, "500-999");
  assert_parts("bytes=500-700,601-999", 10000, "500-999");
}

TEST(what_reaches_beyond_the_end_is_cut) {
  UNUSED;
  assert_parts("bytes=0-", 1, "0-0");
  assert_parts("bytes=5-1000000", 10, "5-9");
  assert_parts("bytes=5-18446744073709551615", 10, "5-9");
  assert_parts("bytes=5-99999999999999999999999", 10, "5-9");
  assert_parts("bytes=-1000000", 10, "0-9");
  assert_parts("bytes=-99999999999999999999999", 10, "0-9");
  assert_parts("bytes=0-0", UINT64_MAX, "0-0");
  assert_parts("bytes=5-", UINT64_MAX, "5-18446744073709551614");
}

TEST(none_of_which_is_there_is_416) {
  UNUSED;
  static const char *const misses[] = {"bytes=10-", "bytes=10-20",   "bytes=99999999999999999999999-",
                                       "bytes=-0",  "bytes=10-,11-", "bytes=18446744073709551615-18446744073709551615"};
  for (size_t i = 0; i < sizeof misses / sizeof *misses; i++) assert_int_equal(parse(misses[i], 10), 416);
  assert_int_equal(parse("bytes=0-", 0), 416);
  assert_int_equal(parse("bytes=-5", 0), 416);
  assert_parts("bytes=20-30,3-4", 10, "3-4"); /* one of them is enough */
}

TEST(what_cannot_be_read_is_ignored) {
  UNUSED;
  static const char *const bad[] = {"",           "bytes",         "bytes=",      "bytes=,",         "items=0-1",
                                    "bytes:0-1",  "bytes 0-1",     "bytes=a-b",   "bytes=1",         "bytes=-",
                                    "bytes=5-4",  "bytes=--5",     "bytes=+1-2",  "bytes=0x1-2",     "bytes=1-2-3",
                                    "bytes=1 -2", "bytes=0-1;2-3", "bytes=0-1,x", "bytes=\xd9\xa1-2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(parse(bad[i], 10), 200);
}

TEST(the_unit_is_read_in_any_case) {
  UNUSED;
  assert_parts("Bytes=1-2", 10, "1-2");
}

/* CVE-2011-3192; RFC 9110 section 17.15. */
TEST(too_many_are_answered_with_the_whole) {
  UNUSED;
  assert_int_equal(parse("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14", 100), 206);
  assert_int_equal(ranges.count, RL_RANGES_MAX);
  assert_int_equal(parse("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", 100), 200);
  assert_int_equal(parse("bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-", 100), 200);
}

TEST(those_that_touch_or_overlap_become_one_and_no_byte_is_sent_twice) {
  UNUSED;
  assert_parts("bytes=0-,0-,0-,0-", 100, "0-99");
  assert_parts("bytes=0-1,4-5,2-3", 100, "0-5");
  assert_parts("bytes=8-9,0-1,4-5,2-7", 100, "0-9");
  assert_parts("bytes=10-20,0-5", 100, "10-20 0-5");
}

TEST(any_set_of_ranges_is_disjoint_and_covers_what_was_asked_for) {
  UNUSED;
  uint64_t seed = 1;
  for (int round = 0; round < 20000; round++) {
    char value[200] = "bytes=";
    bool asked[32] = {false}, sent[32] = {false};
    int count = 1 + round % RL_RANGES_MAX;
    for (int i = 0; i < count; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      unsigned from = (unsigned)(seed >> 33) % 30, to = from + (unsigned)(seed >> 40) % 4;
      snprintf(value + strlen(value), sizeof value - strlen(value), "%s%u-%u", i ? "," : "", from, to);
      for (unsigned at = from; at <= to && at < 30; at++) asked[at] = true;
    }
    assert_int_equal(parse(value, 30), 206);
    for (int i = 0; i < ranges.count; i++)
      for (uint64_t at = ranges.items[i].start; at < ranges.items[i].end; at++) {
        assert_false(sent[at]);
        sent[at] = true;
      }
    assert_memory_equal(asked, sent, sizeof asked);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_examples_of_rfc_9110),
      RUN(what_reaches_beyond_the_end_is_cut),
      RUN(none_of_which_is_there_is_416),
      RUN(what_cannot_be_read_is_ignored),
      RUN(the_unit_is_read_in_any_case),
      RUN(too_many_are_answered_with_the_whole),
      RUN(those_that_touch_or_overlap_become_one_and_no_byte_is_sent_twice),
      RUN(any_set_of_ranges_is_disjoint_and_covers_what_was_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
