/* What an HTTP/2 connection waits for, how it ends, and what ends it. */
#include "http/h2/clock.h"

#include "support/h2_client.h"
#include "support/test.h"

static test_server server;
static h2_client c;

static int setup(void **state) {
  (void)state;
  test_server_init(&server);
  server.host.limits.head_ms = 10000;
  server.host.limits.keep_alive_ms = 75000;
  server.host.limits.write_stall_ms = 30000;
  h2_client_open(&c, &server);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  h2_client_free(&c);
  test_server_free(&server);
  return 0;
}

static void get(uint32_t stream, const char *path) {
  h2_request(&c, stream, true, "GET", path, "");
  h2_send(&c);
}

static void pause(uint64_t ms) { test_server_pause(&server, ms); }
static bool is_closed(void) { return test_client_is_closed(c.client); }

TEST(a_client_that_asks_nothing_is_let_go) {
  UNUSED;
  pause(9000);
  assert_false(is_closed());
  pause(2000);
  assert_string_equal(h2_seen(&c), "GOAWAY 0 0");
  assert_true(is_closed());
}

TEST(one_that_has_asked_may_be_idle_for_longer) {
  UNUSED;
  get(1, "/");
  h2_seen(&c);
  pause(74000);
  assert_string_equal(h2_seen(&c), "");
  pause(1500);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 2147483647 0"));
  pause(1000);
  assert_string_equal(h2_seen(&c), "GOAWAY 1 0");
  assert_true(is_closed());
}

TEST(a_request_between_the_two_steps_is_answered) {
  UNUSED;
  rl_conn_stop(&c.client->link->conn);
  test_server_settle(&server);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 2147483647 0"));
  get(1, "/");
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200 content-length=5; DATA 1 5 END hello");
  h2_frame(&c, NGHTTP2_PING, H2_ACK, 0, RL_SLICE("\0\0\0\0\0\0\0\0"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "GOAWAY 1 0");
  assert_true(is_closed());
}

TEST(what_runs_when_the_server_stops_is_still_answered) {
  UNUSED;
  get(1, "/wait/5000");
  rl_conn_stop(&c.client->link->conn);
  pause(2000);
  assert_false(is_closed());
  h2_seen(&c);
  get(3, "/"); /* too late: not answered, and the client knows from the last GOAWAY */
  assert_string_equal(h2_seen(&c), "");
  pause(4000);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=200"));
  assert_true(is_closed());
}

TEST(when_its_time_is_over_it_is_503) {
  UNUSED;
  c.hides_data = true;
  get(1, "/never");
  get(3, "/bytes/1000000");
  h2_seen(&c);
  rl_conn_stop(&c.client->link->conn);
  rl_conn_cut(&c.client->link->conn);
  test_server_settle(&server);
  const char *seen = h2_seen(&c);
  assert_non_null(strstr(seen, "HEADERS 1 :status=503"));
  assert_non_null(strstr(seen, "RST_STREAM 3 2"));
  assert_non_null(strstr(seen, "GOAWAY 3 0"));
  assert_true(is_closed());
}

TEST(a_block_of_headers_must_come_to_its_end) {
  UNUSED;
  get(1, "/wait/60000");
  h2_frame(&c, NGHTTP2_HEADERS, 0, 3, RL_SLICE("\x82"));
  h2_send(&c);
  pause(9000);
  assert_false(is_closed());
  pause(2000);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 3 11"));
  assert_true(is_closed());
  assert_non_null(strstr(c.client->events, "gone"));
}

TEST(so_must_a_frame_of_headers) {
  UNUSED;
  get(1, "/wait/60000");
  rl_buf_add(&c.out, "\0\0\5\1\4\0\0\0\3\x82", 10);
  h2_send(&c);
  pause(11000);
  assert_true(is_closed());
}

TEST(settings_must_be_acknowledged) {
  UNUSED;
  h2_client other;
  h2_client_connect(&other, &server);
  h2_preface(&other);
  h2_settings(&other, (uint32_t[]){0});
  h2_request(&other, 1, true, "GET", "/wait/60000", "");
  h2_send(&other);
  pause(11000);
  assert_non_null(strstr(h2_seen(&other), "GOAWAY 1 4"));
  h2_client_free(&other);
}

TEST(a_body_must_keep_its_pace) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/echo", "");
  h2_send(&c);
  pause(19000);
  assert_string_equal(h2_seen(&c), "");
  pause(2000);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=408"));
  assert_false(is_closed());
}

static void shut_windows(void) {
  c.hides_data = true;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0});
}

TEST(a_stream_without_a_window_is_not_kept_for_ever) {
  UNUSED;
  shut_windows();
  get(1, "/");
  get(3, "/wait/100000"); /* not stalled: its handler runs */
  h2_seen(&c);
  pause(29000);
  assert_string_equal(h2_seen(&c), "");
  pause(2000);
  assert_string_equal(h2_seen(&c), "RST_STREAM 1 8");
  assert_false(is_closed());
}

TEST(a_connection_of_such_streams_ends) {
  UNUSED;
  shut_windows();
  get(1, "/");
  get(3, "/bytes/100000");
  h2_seen(&c);
  pause(31000);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 3 11"));
  assert_true(is_closed());
  assert_int_equal(server.visits, 0);
}

TEST(one_that_takes_a_little_now_and_then_is_waited_for) {
  UNUSED;
  shut_windows();
  get(1, "/bytes/100000");
  for (int i = 0; i < 5; i++) {
    pause(20000);
    h2_window(&c, 1, 10);
    h2_send(&c);
  }
  assert_false(is_closed());
  h2_seen(&c);
  assert_int_equal(c.data, 50);
}

TEST(a_half_close_leaves_a_moment) {
  UNUSED;
  get(1, "/wait/1000");
  get(3, "/never");
  h2_request(&c, 5, false, "POST", "/echo", "");
  h2_send(&c);
  test_client_eof(c.client);
  pause(1500);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=200"));
  pause(1000);
  assert_true(is_closed());
}

TEST(so_many_requests_and_no_more) {
  UNUSED;
  server.host.limits.requests = 3;
  for (uint32_t i = 0; i < 3; i++) get(2 * i + 1, "/");
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 2147483647 0"));
  pause(1000);
  assert_string_equal(h2_seen(&c), "GOAWAY 5 0");
  assert_true(is_closed());
}

/* ---- floods ------------------------------------------------------------------------------------------------------------------- */

TEST(rapid_resets_end_the_connection) {
  UNUSED;
  uint32_t i = 0;
  for (; i < 1000 && !is_closed(); i++) {
    h2_request(&c, 2 * i + 1, true, "GET", "/never", "");
    h2_reset(&c, 2 * i + 1, NGHTTP2_CANCEL);
    h2_send(&c);
  }
  assert_int_equal(i, server.host.limits.resets + 1);
  assert_non_null(strstr(h2_seen(&c), " 11"));
  assert_int_equal(server.visits, 0);
}

TEST(so_do_resets_that_we_are_made_to_send) {
  UNUSED;
  uint32_t i = 0;
  for (; i < 1000 && !is_closed(); i++) {
    h2_request(&c, 2 * i + 1, true, "GET", "/never", "");
    h2_window(&c, 2 * i + 1, 0x7fffffff);
    h2_send(&c);
  }
  assert_int_equal(i, server.host.limits.resets + 1);
  assert_non_null(strstr(h2_seen(&c), " 11"));
  assert_int_equal(server.visits, 0);
}

TEST(pings_that_nobody_needs_too) {
  UNUSED;
  for (int i = 0; i < 200; i++) h2_ping(&c, "12345678");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 0 11"));
  assert_true(is_closed());
}

TEST(a_client_that_does_not_read_is_not_listened_to) {
  UNUSED;
  h2_client_free(&c);
  server.host.limits.resets = 1 << 30;
  h2_client_open(&c, &server);
  c.client->stream.room = 0;
  for (uint32_t i = 0; i < 500; i++) {
    for (uint32_t n = 0; n < 50; n++) h2_headers(&c, 2 * (50 * i + n) + 1, true, ":method: GET");
    h2_send(&c);
  }
  const rl_h2 *h2 = c.client->link->conn.protocol_state;
  assert_false(is_closed());
  assert_true(rl_conn_queued(h2->conn) < 2 * RL_LIMIT_WRITE_HIGH);
  assert_false(h2->conn->reading);
  assert_false(h2->ending);
  pause(31000);
  assert_true(is_closed());
}

TEST(a_bomb_of_fields_too_and_nothing_of_it_is_kept) {
  UNUSED;
  rl_buf block;
  rl_buf_init(&block, RL_BUF_NO_LIMIT);
  h2_block(&block, ":method: GET\n:scheme: http\n:authority: a\n:path: /");
  rl_buf_add(&block, "\x40\1a\1b", 5);                                 /* into the table */
  for (int i = 0; i < 16000; i++) rl_buf_add_char(&block, (char)0xbe); /* and 16,000 times out of it */
  h2_frame(&c, NGHTTP2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 1, rl_buf_slice(&block));
  rl_buf_free(&block);
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "GOAWAY 1 11"));
  assert_true(is_closed());
  assert_string_equal(c.client->events, "");
}

TEST(a_stream_beyond_the_limit_is_refused) {
  UNUSED;
  server.host.limits.streams = 2;
  get(1, "/never");
  get(3, "/never");
  get(5, "/never");
  assert_string_equal(h2_seen(&c), "RST_STREAM 5 7");
  assert_int_equal(server.visits, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(a_client_that_asks_nothing_is_let_go),
                                     CASE(one_that_has_asked_may_be_idle_for_longer),
                                     CASE(a_request_between_the_two_steps_is_answered),
                                     CASE(what_runs_when_the_server_stops_is_still_answered),
                                     CASE(when_its_time_is_over_it_is_503),
                                     CASE(a_block_of_headers_must_come_to_its_end),
                                     CASE(so_must_a_frame_of_headers),
                                     CASE(settings_must_be_acknowledged),
                                     CASE(a_body_must_keep_its_pace),
                                     CASE(a_stream_without_a_window_is_not_kept_for_ever),
                                     CASE(a_connection_of_such_streams_ends),
                                     CASE(one_that_takes_a_little_now_and_then_is_waited_for),
                                     CASE(a_half_close_leaves_a_moment),
                                     CASE(so_many_requests_and_no_more),
                                     CASE(rapid_resets_end_the_connection),
                                     CASE(so_do_resets_that_we_are_made_to_send),
                                     CASE(pings_that_nobody_needs_too),
                                     CASE(a_client_that_does_not_read_is_not_listened_to),
                                     CASE(a_bomb_of_fields_too_and_nothing_of_it_is_kept),
                                     CASE(a_stream_beyond_the_limit_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
