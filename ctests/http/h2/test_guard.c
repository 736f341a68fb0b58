/* What the guard counts, frame by frame. */
#include "http/h2/guard.h"

#include <nghttp2/nghttp2.h>

#include "support/frames.h"
#include "support/test.h"

static rl_limits limits;
static rl_h2_guard guard;
static rl_buf bytes;
static uint64_t now;

static int setup(void **state) {
  (void)state;
  limits = rl_limits_default;
  limits.resets = 10;
  limits.control_frames = 100;
  now = 1000;
  rl_h2_guard_init(&guard, &limits, now);
  rl_buf_init(&bytes, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&bytes);
  return 0;
}

static void add(uint8_t type, uint8_t flags, uint32_t stream, rl_slice payload) {
  frames_add(&bytes, type, flags, stream, payload);
}

/* Returns what the guard says of all that was added, in pieces of one byte and whole. */
static rl_h2_flood scan(void) {
  rl_h2_guard whole = guard;
  rl_h2_flood flood = 0, by_bytes = 0;
  size_t seen = rl_h2_guard_scan(&whole, rl_buf_slice(&bytes), now, &flood), one = 0;
  for (; one < bytes.len && !by_bytes && !guard.error; one++)
    if (rl_h2_guard_scan(&guard, rl_slice_of(bytes.data + one, 1), now, &by_bytes) == 0) break;
  assert_int_equal(flood, by_bytes);
  assert_int_equal(whole.error, guard.error);
  assert_true(seen <=
              one); /* a frame that is not looked at any more: whole, all of it; in pieces, from where that was clear */
  rl_buf_clear(&bytes);
  return flood;
}

static void add_many(int count, uint8_t type, rl_slice payload) {
  while (count--) add(type, 0, type == NGHTTP2_PING || type == NGHTTP2_SETTINGS ? 0 : 1, payload);
}

#define EIGHT RL_SLICE("12345678")

TEST(ten_pings_at_once_are_well) {
  UNUSED;
  add_many(10, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
}

TEST(eleven_are_a_flood) {
  UNUSED;
  add_many(11, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_PING);
}

TEST(but_not_a_second_later) {
  UNUSED;
  add_many(10, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  now += 1000;
  add_many(1, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  add_many(1, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_PING);
}

TEST(an_hour_brings_no_more_than_the_bucket_holds) {
  UNUSED;
  now += 3600000;
  add_many(11, NGHTTP2_PING, EIGHT);
  assert_int_equal(scan(), RL_H2_FLOOD_PING);
}

TEST(settings_count_too) {
  UNUSED;
  add_many(11, NGHTTP2_SETTINGS, RL_SLICE_NONE);
  assert_int_equal(scan(), RL_H2_FLOOD_SETTINGS);
}

TEST(priorities_of_both_kinds_count) {
  UNUSED;
  add_many(50, NGHTTP2_PRIORITY, RL_SLICE("\0\0\0\0\1"));
  add_many(50, NGHTTP2_PRIORITY_UPDATE, RL_SLICE("\0\0\0\1u=1"));
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  add_many(1, NGHTTP2_PRIORITY_UPDATE, RL_SLICE("\0\0\0\1u=1"));
  assert_int_equal(scan(), RL_H2_FLOOD_PRIORITY);
}

TEST(window_updates_count_but_for_data_that_was_sent) {
  UNUSED;
  for (int i = 0; i < 100; i++) {
    add_many(2, NGHTTP2_WINDOW_UPDATE, RL_SLICE("\0\0\0\1"));
    assert_int_equal(scan(), RL_H2_FLOOD_NONE);
    rl_h2_guard_sent(&guard, 16384);
  }
  for (int i = 0; i < 50; i++) { /* data of a few bytes is no work: CVE-2019-9511 */
    add_many(2, NGHTTP2_WINDOW_UPDATE, RL_SLICE("\0\0\0\1"));
    rl_h2_guard_sent(&guard, 1);
  }
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  add_many(1, NGHTTP2_WINDOW_UPDATE, RL_SLICE("\0\0\0\1"));
  assert_int_equal(scan(), RL_H2_FLOOD_WINDOW);
}

TEST(frames_that_nobody_knows_count) {
  UNUSED;
  add_many(21, 0x77, RL_SLICE("grease"));
  assert_int_equal(scan(), RL_H2_FLOOD_UNKNOWN);
}

static void open_upload(void) { add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, RL_SLICE("\x82")); }

TEST(empty_data_counts) {
  UNUSED;
  open_upload();
  add_many(20, NGHTTP2_DATA, RL_SLICE_NONE);
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  add_many(1, NGHTTP2_DATA, RL_SLICE_NONE);
  assert_int_equal(scan(), RL_H2_FLOOD_EMPTY);
}

TEST(so_does_data_that_is_all_padding) {
  UNUSED;
  open_upload();
  for (int i = 0; i < 21; i++) add(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, RL_SLICE("\3\0\0\0"));
  assert_int_equal(scan(), RL_H2_FLOOD_EMPTY);
}

TEST(data_with_something_in_it_does_not) {
  UNUSED;
  open_upload();
  for (int i = 0; i < 1000; i++) add(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, RL_SLICE("\2x\0\0"));
  add(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, RL_SLICE_NONE);
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
}

TEST(resets_count) {
  UNUSED;
  add_many(10, NGHTTP2_RST_STREAM, RL_SLICE("\0\0\0\x8"));
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  rl_h2_guard_answered(&guard);
  assert_false(rl_h2_guard_reset(&guard, now)); /* an answer has left: one more */
  assert_true(rl_h2_guard_reset(&guard, now));
}

TEST(blocks_of_headers_have_few_continuations) {
  UNUSED;
  add(NGHTTP2_HEADERS, 0, 1, RL_SLICE("\x82"));
  for (int i = 0; i < 8; i++) add(NGHTTP2_CONTINUATION, 0, 1, RL_SLICE("\x82"));
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  assert_true(rl_h2_guard_in_head(&guard));
  add(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, RL_SLICE("\x82"));
  assert_int_equal(scan(), RL_H2_FLOOD_CONTINUATION);
}

TEST(a_block_has_few_bytes) {
  UNUSED;
  static char much[16384];
  limits.fields_size = 16384;
  add(NGHTTP2_HEADERS, 0, 1, rl_slice_of(much, sizeof much));
  add(NGHTTP2_CONTINUATION, 0, 1, rl_slice_of(much, sizeof much));
  assert_int_equal(scan(), RL_H2_FLOOD_NONE);
  add(NGHTTP2_CONTINUATION, 0, 1, rl_slice_of(much, 2));
  assert_int_equal(scan(), RL_H2_FLOOD_CONTINUATION);
}

TEST(changes_of_the_table_count) {
  UNUSED;
  for (uint32_t i = 0; i < 21; i++)
    add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_PRIORITY, 2 * i + 1,
        RL_SLICE("\0\0\0\0\1\x20\x82"));
  assert_int_equal(scan(), RL_H2_FLOOD_TABLE);
}

TEST(nothing_comes_on_a_stream_that_the_client_has_ended) {
  UNUSED;
  add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, RL_SLICE("\x82"));
  add(NGHTTP2_DATA, 0, 1, RL_SLICE("x"));
  scan();
  assert_int_equal(guard.error, NGHTTP2_STREAM_CLOSED);
}

TEST(trailers_do_on_one_that_it_has_not) {
  UNUSED;
  open_upload();
  add(NGHTTP2_DATA, 0, 1, RL_SLICE("x"));
  add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, RL_SLICE("\x82"));
  scan();
  assert_int_equal(guard.error, 0);
  add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, RL_SLICE("\x82"));
  scan();
  assert_int_equal(guard.error, NGHTTP2_STREAM_CLOSED);
}

TEST(numbers_grow) {
  UNUSED;
  add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 5, RL_SLICE("\x82"));
  add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 3, RL_SLICE("\x82"));
  scan();
  assert_int_equal(guard.error, NGHTTP2_PROTOCOL_ERROR);
}

TEST(of_very_many_open_ones_the_oldest_are_not_judged) {
  UNUSED;
  for (uint32_t i = 0; i < RL_H2_OPEN + 1; i++)
    add(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2 * i + 1, RL_SLICE("\x82"));
  add(NGHTTP2_DATA, 0, 1, RL_SLICE("x"));
  scan();
  assert_int_equal(guard.error, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(ten_pings_at_once_are_well),
                                     CASE(eleven_are_a_flood),
                                     CASE(but_not_a_second_later),
                                     CASE(an_hour_brings_no_more_than_the_bucket_holds),
                                     CASE(settings_count_too),
                                     CASE(priorities_of_both_kinds_count),
                                     CASE(window_updates_count_but_for_data_that_was_sent),
                                     CASE(frames_that_nobody_knows_count),
                                     CASE(empty_data_counts),
                                     CASE(so_does_data_that_is_all_padding),
                                     CASE(data_with_something_in_it_does_not),
                                     CASE(resets_count),
                                     CASE(blocks_of_headers_have_few_continuations),
                                     CASE(a_block_has_few_bytes),
                                     CASE(changes_of_the_table_count),
                                     CASE(nothing_comes_on_a_stream_that_the_client_has_ended),
                                     CASE(trailers_do_on_one_that_it_has_not),
                                     CASE(numbers_grow),
                                     CASE(of_very_many_open_ones_the_oldest_are_not_judged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
