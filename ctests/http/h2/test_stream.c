/* Bodies both ways, windows, and the ends of streams. */
#include "http/h2/stream.h"

#include "base/alloc.h"

#include "support/h2_client.h"
#include "support/test.h"

static test_server server;
static h2_client c;

static int setup(void **state) {
  (void)state;
  test_server_init(&server);
  h2_client_open(&c, &server);
  return 0;
}

static int setup_bytes(void **state) {
  int code = setup(state);
  c.byte_by_byte = true;
  return code;
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

static const char *events(void) { return c.client->events; }

static rl_h2 *h2(void) { return c.client->link->conn.protocol_state; }

TEST(head_has_no_body) {
  UNUSED;
  h2_request(&c, 1, true, "HEAD", "/", "");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 END :status=200 content-length=5");
}

TEST(nor_has_204) {
  UNUSED;
  get(1, "/status/204");
  assert_string_equal(h2_seen(&c), "HEADERS 1 END :status=204");
}

TEST(a_streamed_head_answer_ends_at_once_and_its_handler_in_its_time) {
  UNUSED;
  h2_request(&c, 1, true, "HEAD", "/bytes/100000", "");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 END :status=200");
  assert_int_equal(server.visits, 0);
  assert_null(strstr(events(), "gone"));
}

TEST(a_stream_waits_for_its_window) {
  UNUSED;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3, 0});
  get(1, "/");
  assert_string_equal(h2_seen(&c), "SETTINGS ACK; HEADERS 1 :status=200 content-length=5; DATA 1 3 hel");
  h2_window(&c, 1, 100);
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "DATA 1 2 END lo");
}

TEST(a_large_answer_takes_all_windows_and_no_more) {
  UNUSED;
  c.hides_data = true;
  get(1, "/bytes/1000000");
  h2_seen(&c);
  assert_int_equal(c.data, 65535);
  assert_true(h2()->queued <= (64 << 10) + (16 << 10));
  h2_window(&c, 0, 2000000);
  h2_window(&c, 1, 2000000);
  h2_send(&c);
  h2_seen(&c);
  assert_int_equal(c.data, 1000000);
  assert_int_equal(h2()->queued, 0);
}

TEST(a_peer_that_does_not_read_is_waited_for) {
  UNUSED;
  c.hides_data = true;
  h2_window(&c, 0, 100000000);
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000000, 0});
  h2_send(&c);
  h2_seen(&c);
  c.client->stream.room = 1000;
  get(1, "/sized/5000000");
  assert_true(rl_conn_queued(&c.client->link->conn) < RL_LIMIT_WRITE_HIGH + (64 << 10));
  test_client_take(c.client, SIZE_MAX);
  h2_seen(&c);
  assert_int_equal(c.data, 5000000);
}

TEST(a_file_is_sent) {
  UNUSED;
  c.hides_data = true;
  h2_window(&c, 0, 100000000);
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000000, 0});
  get(1, "/file/3000000");
  h2_seen(&c);
  assert_int_equal(c.data, 3000000);
  assert_int_equal(server.visits, 0);
}

TEST(one_that_is_too_short_breaks_its_stream_off_and_no_other) {
  UNUSED;
  c.hides_data = true;
  h2_window(&c, 0, 100000000);
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000000, 0});
  get(1, "/file/short");
  assert_non_null(strstr(h2_seen(&c), "RST_STREAM 1 2"));
  get(3, "/");
  assert_string_equal(h2_seen(&c), "HEADERS 3 :status=200 content-length=5; DATA 3 5 END");
}

TEST(an_answer_that_is_given_up_is_reset) {
  UNUSED;
  get(1, "/abort");
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200; DATA 1 4 half; RST_STREAM 1 2");
}

TEST(a_handler_that_never_answers_is_500) {
  UNUSED;
  get(1, "/dropped");
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=500"));
}

TEST(trailers_come) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/trailers", "");
  h2_data(&c, 1, false, RL_SLICE("abc"));
  h2_headers(&c, 1, true, "x-sum: 42");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "x-sum"));
}

/* Their handler has not begun when they come, in the same packet as the head. They were cut at the limit without a word. */
TEST(too_many_of_them_fail_the_body) {
  UNUSED;
  rl_buf fields;
  rl_buf_init(&fields, RL_BUF_NO_LIMIT);
  for (unsigned i = 0; i <= RL_LIMIT_FIELDS; i++) rl_buf_addf(&fields, "x-%u: y\n", i);
  rl_buf_add_char(&fields, 0);
  h2_request(&c, 1, false, "POST", "/echo", "");
  h2_data(&c, 1, false, RL_SLICE("abc"));
  h2_headers(&c, 1, true, fields.data);
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=431"));
  rl_buf_free(&fields);
}

TEST(and_go) {
  UNUSED;
  get(1, "/sends/trailers");
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200; DATA 1 4 data; HEADERS 1 END x-sum=42");
}

TEST(after_the_body_that_waits_before_them) {
  UNUSED;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1, 0});
  get(1, "/sends/trailers");
  assert_string_equal(h2_seen(&c), "SETTINGS ACK; HEADERS 1 :status=200; DATA 1 1 d");
  h2_window(&c, 1, 100);
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "DATA 1 3 ata; HEADERS 1 END x-sum=42");
}

TEST(a_100_is_sent_to_who_waits_for_it) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/echo", "expect: 100-continue");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=100");
  h2_data(&c, 1, true, RL_SLICE("x"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200 content-length=1; DATA 1 1 END x");
}

TEST(hints_come_before_the_answer_and_none_after_it) {
  UNUSED;
  get(1, "/hints");
  assert_string_equal(h2_seen(&c),
                      "HEADERS 1 :status=103 link=</a.css>; rel=preload; "
                      "HEADERS 1 :status=200 content-length=5; DATA 1 5 END hello");
  assert_string_equal(events(), "/hints, hint invalid, hint invalid");
}

TEST(an_early_answer_tells_the_client_to_stop) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/ignore", "");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200 content-length=7; DATA 1 7 END ignored; RST_STREAM 1 0");
  h2_data(&c, 1, true, RL_SLICE("late"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "");
  assert_false(test_client_is_closed(c.client));
}

TEST(what_is_too_large_is_413) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/small", "");
  h2_data(&c, 1, false, RL_SLICE("more than ten bytes"));
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=413"));
}

TEST(a_length_that_is_too_large_too_before_a_byte_has_come) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/small", "content-length: 11");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=413"));
}

TEST(a_body_is_taken_while_it_comes) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/duplex", "");
  h2_data(&c, 1, false, RL_SLICE("one"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200; DATA 1 3 one");
  h2_data(&c, 1, true, RL_SLICE("two"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "DATA 1 3 END two");
}

static void send_data(uint32_t stream, size_t size) {
  static char bytes[16384];
  for (; size; size -= size < sizeof bytes ? size : sizeof bytes)
    h2_data(&c, stream, false, rl_slice_of(bytes, size < sizeof bytes ? size : sizeof bytes));
}

static size_t unread(void) { return RL_CONTAINER(h2()->streams.next, rl_h2_stream, node)->unread.len; }

TEST(a_body_that_nobody_reads_is_held_back_by_its_window) {
  UNUSED;
  c.shows_windows = true;
  h2_request(&c, 1, false, "POST", "/never", "");
  send_data(1, 65535);
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "");
  assert_int_equal(unread(), 65535);
}

TEST(one_that_is_read_gets_more) {
  UNUSED;
  c.shows_windows = true;
  h2_request(&c, 1, false, "POST", "/duplex", "");
  send_data(1, 65535);
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "WINDOW_UPDATE 1 "));
}

TEST(the_window_of_the_connection_comes_back_for_what_is_dropped) {
  UNUSED;
  c.shows_windows = true;
  for (uint32_t i = 0; i < 20; i++) { /* 1.3 MB in all */
    h2_request(&c, 2 * i + 1, false, "POST", "/ignore", "");
    send_data(2 * i + 1, 65535);
    h2_send(&c);
  }
  assert_non_null(strstr(h2_seen(&c), "WINDOW_UPDATE "));
  h2_request(&c, 101, true, "GET", "/", "");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "hello"));
  assert_true(nghttp2_session_get_effective_recv_data_length(h2()->session) < (int32_t)RL_LIMIT_H2_WINDOW / 2);
}

/* Two answers of 40,000 bytes each, in a window that is opened frame by frame. Returns whose frames came. */
static void order_of_two(const char *priority, char order[8]) {
  c.hides_data = true;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000000, 0});
  h2_request(&c, 1, true, "GET", "/sized/65535", priority); /* takes the connection's window */
  h2_request(&c, 3, true, "GET", "/sized/40000", priority);
  h2_request(&c, 5, true, "GET", "/sized/40000", priority);
  h2_send(&c);
  h2_seen(&c);
  for (int i = 0; i < 4; i++) {
    h2_window(&c, 0, 16384);
    h2_send(&c);
    order[i] = strstr(h2_seen(&c), "DATA 3 ") ? '3' : '5';
  }
  order[4] = 0;
}

TEST(long_answers_take_turns) {
  UNUSED;
  char order[8];
  order_of_two("", order);
  assert_string_equal(order, "3535");
}

TEST(unless_the_client_wants_one_after_the_other) {
  UNUSED;
  char order[8];
  order_of_two("priority: u=3", order);
  assert_string_equal(order, "3335");
}

TEST(a_client_that_resets_is_gone) {
  UNUSED;
  get(1, "/wait/1000");
  h2_reset(&c, 1, NGHTTP2_CANCEL);
  h2_send(&c);
  assert_non_null(strstr(events(), "gone reset"));
  test_server_pause(&server, 2000);
  assert_string_equal(h2_seen(&c), "");
  get(3, "/");
  assert_non_null(strstr(h2_seen(&c), "hello"));
}

/* The reset leaves in front of the answer, inside of the handler's own call. It was told of it there, and ended its visit twice. */
TEST(a_handler_hears_nothing_inside_of_its_own_call) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/ignore", "");
  h2_data(&c, 1, false, RL_SLICE("piece"));
  h2_headers(&c, 1, true, "x: \t"); /* trailers with a value that none may have */
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "RST_STREAM 1 1");
  assert_string_equal(events(), "/ignore");
  assert_int_equal(server.visits, 0);
}

TEST(nor_does_another_that_waits) {
  UNUSED;
  get(1, "/never");
  h2_reset(&c, 1, 8);
  h2_request(&c, 3, true, "GET", "/", "");
  h2_send(&c);
  assert_string_equal(events(), "/never, gone reset, /");
  assert_int_equal(server.visits, 0);
}

TEST(a_malformed_request_is_reset_and_no_handler_hears_of_it) {
  UNUSED;
  static const char *const bad[] = {
      ":method: GET\n:path: /\n:authority: a",                                   /* no scheme */
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\nConnection: close", /* case */
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\nconnection: close",
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\nte: gzip",
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\nx: a\x01",
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\n:path: /",
      ":method: GET\n:scheme: http\n:authority: a\nx: y\n:path: /",
      ":method: GET\n:scheme: http\n:authority: a\n:path: /\n:status: 200"};
  for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char want[32];
    snprintf(want, sizeof want, "RST_STREAM %u 1", 2 * i + 1);
    h2_headers(&c, 2 * i + 1, true, bad[i]);
    h2_send(&c);
    assert_string_equal(h2_seen(&c), want);
  }
  assert_string_equal(events(), "");
}

TEST(what_only_we_do_not_like_is_answered) {
  UNUSED;
  h2_request(&c, 1, true, "GET", "/", "host: other");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 1 :status=400"));
  h2_headers(&c, 3, true, ":method: CONNECT\n:authority: a:80");
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "HEADERS 3 :status=501"));
  assert_int_equal(server.refusals, 2);
}

TEST(memory_may_fail_anywhere) {
  UNUSED;
  for (long nth = 1; nth < 400; nth++) {
    h2_client_free(&c);
    h2_client_open(&c, &server);
    rl_alloc_fail_at(nth, false);
    for (uint32_t i = 0; i < 3 && c.client->link; i++) {
      h2_request(&c, 6 * i + 1, true, "GET", "/bytes/100000", "cookie: a\ncookie: b");
      h2_request(&c, 6 * i + 3, false, "POST", i & 1 ? "/late" : "/echo", "");
      h2_data(&c, 6 * i + 3, true, RL_SLICE("body"));
      h2_request(&c, 6 * i + 5, true, "GET", "/sends/trailers", "");
      h2_window(&c, 6 * i + 1, 100000);
      h2_window(&c, 0, 100000);
      h2_send(&c);
      test_server_pause(&server, 200);
    }
    bool reached = rl_alloc_fail_at(0, false) >= nth;
    if (!reached) return;
  }
  fail_msg("more allocations than that?");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BOTH(name) \
  CASE(name), { #name " byte by byte", name, setup_bytes, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(head_has_no_body),
      BOTH(nor_has_204),
      BOTH(a_streamed_head_answer_ends_at_once_and_its_handler_in_its_time),
      BOTH(a_stream_waits_for_its_window),
      BOTH(a_large_answer_takes_all_windows_and_no_more),
      BOTH(a_peer_that_does_not_read_is_waited_for),
      BOTH(a_file_is_sent),
      BOTH(one_that_is_too_short_breaks_its_stream_off_and_no_other),
      BOTH(an_answer_that_is_given_up_is_reset),
      BOTH(a_handler_that_never_answers_is_500),
      BOTH(trailers_come),
      BOTH(too_many_of_them_fail_the_body),
      BOTH(and_go),
      BOTH(after_the_body_that_waits_before_them),
      BOTH(a_100_is_sent_to_who_waits_for_it),
      BOTH(hints_come_before_the_answer_and_none_after_it),
      BOTH(an_early_answer_tells_the_client_to_stop),
      BOTH(what_is_too_large_is_413),
      BOTH(a_length_that_is_too_large_too_before_a_byte_has_come),
      CASE(a_body_is_taken_while_it_comes),
      CASE(a_body_that_nobody_reads_is_held_back_by_its_window),
      CASE(one_that_is_read_gets_more),
      CASE(the_window_of_the_connection_comes_back_for_what_is_dropped),
      CASE(long_answers_take_turns),
      CASE(unless_the_client_wants_one_after_the_other),
      BOTH(a_client_that_resets_is_gone),
      cmocka_unit_test_setup_teardown(a_handler_hears_nothing_inside_of_its_own_call, setup, teardown),
      BOTH(nor_does_another_that_waits),
      BOTH(a_malformed_request_is_reset_and_no_handler_hears_of_it),
      BOTH(what_only_we_do_not_like_is_answered),
      CASE(memory_may_fail_anywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
