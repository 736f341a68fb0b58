/* What nghttp2 tells at awkward moments: after a handler has gone, when frames cannot be sent, when much waits before them. */
#include "http/h2/session.h"

#include "base/error.h"
#include "http/h2/stream.h"

#include "support/frames.h"
#include "support/h2_client.h"
#include "support/test.h"

enum { LONG = 20000 };

static test_server server;
static h2_client c;
static char text[100000];

static int setup(void **state) {
  (void)state;
  test_server_init(&server);
  h2_client_open(&c, &server);
  memset(text, 'a', sizeof text);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  h2_client_free(&c);
  test_server_free(&server);
  return 0;
}

static rl_conn *conn(void) { return &c.client->link->conn; }
static rl_h2 *h2(void) { return conn()->protocol_state; }

static rl_h2_stream *stream_of(int32_t id) {
  RL_LIST_EACH(&h2()->streams, node) {
    rl_h2_stream *s = RL_CONTAINER(node, rl_h2_stream, node);
    if (s->id == id) return s;
  }
  return NULL;
}

static void ask(uint32_t stream, const char *path) {
  h2_request(&c, stream, true, "GET", path, "");
  h2_send(&c);
}

/* Answers a request of /never, with one field. */
static void answer(int32_t stream, rl_slice value) {
  const rl_header field = {.name = RL_SLICE("x-text"), .value = value};
  rl_req *req = stream_of(stream)->exchange.req;
  assert_int_equal(req->ops->respond(req, &(rl_resp){.status = 200, .headers = &field, .header_count = 1}), RL_OK);
}

/* A client that gives every window and then reads nothing. */
static void open_windows(void) {
  c.hides_data = true;
  h2_window(&c, 0, 100000000);
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000000, 0});
  h2_send(&c);
  h2_seen(&c);
}

TEST(trailers_that_go_on_after_the_request_is_freed_touch_nothing_of_it) {
  UNUSED;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0});
  h2_request(&c, 1, false, "POST", "/ignore", "");
  h2_frame(&c, NGHTTP2_HEADERS, H2_END_STREAM, 1, RL_SLICE("\0\1x\1y"));
  h2_send(&c);
  assert_non_null(stream_of(1)); /* its answer waits for a window */
  assert_null(stream_of(1)->exchange.req);
  assert_null(stream_of(1)->head.req);
  h2_frame(&c, NGHTTP2_CONTINUATION, H2_END_HEADERS, 1, RL_SLICE("\0\1x\1z"));
  h2_window(&c, 1, 100);
  h2_send(&c);
  assert_non_null(strstr(h2_seen(&c), "DATA 1 7 END ignored"));
}

/* CVE-2025-8671 by trailers with a character that none may have. */
TEST(resets_for_malformed_trailers_are_counted) {
  UNUSED;
  uint32_t i = 0;
  for (; i < 1000 && !test_client_is_closed(c.client); i++) {
    h2_request(&c, 2 * i + 1, false, "POST", "/never", "");
    h2_frame(&c, NGHTTP2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 2 * i + 1, RL_SLICE("\0\1x\1\1"));
    h2_send(&c);
  }
  assert_int_equal(i, server.host.limits.resets + 1);
  assert_int_equal(server.visits, 0);
}

TEST(a_large_head_is_sent) {
  UNUSED;
  ask(1, "/never");
  answer(1, rl_slice_of(text, sizeof text));
  test_server_settle(&server);
  rl_slice out = test_client_out(c.client);
  rl_slice_skip(&out, c.read);
  frame f = {0};
  while (frames_next(&out, &f) && f.type != NGHTTP2_CONTINUATION) continue;
  assert_int_equal(f.type, NGHTTP2_CONTINUATION);
}

TEST(one_that_no_client_takes_resets_its_stream) {
  UNUSED;
  static char huge[3 << 20];
  memset(huge, 'a', sizeof huge);
  ask(1, "/never");
  answer(1, rl_slice_of(huge, sizeof huge));
  test_server_settle(&server);
  assert_non_null(strstr(h2_seen(&c), "RST_STREAM 1 2"));
  assert_int_equal(server.visits, 0);
}

TEST(a_head_is_sent_while_its_words_last) {
  UNUSED;
  open_windows();
  for (uint32_t id = 1; id <= 11; id += 2) ask(id, "/never");
  c.client->stream.room = 0;
  ask(13, "/sized/1000000");
  assert_true(rl_conn_queued(conn()) >= RL_LIMIT_WRITE_HIGH);
  for (int32_t id = 1; id <= 9; id += 2) answer(id, rl_slice_of(text, LONG));
  test_client_take(c.client, rl_conn_queued(conn()) - RL_LIMIT_WRITE_HIGH + 20000);
  c.client->stream.room = 0;
  assert_true(rl_conn_queued(conn()) < RL_LIMIT_WRITE_HIGH);
  char word[] = "borrowed";
  answer(11, rl_slice_str(word));
  memset(word, 'X', sizeof word - 1);
  test_client_take(c.client, SIZE_MAX);
  const char *seen = h2_seen(&c);
  assert_null(strstr(seen, "XXXX"));
  assert_non_null(strstr(seen, "x-text=borrowed"));
}

TEST(one_that_cannot_be_sent_lets_others_send_no_more_than_there_is_room_for) {
  UNUSED;
  open_windows();
  c.client->stream.room = 0;
  h2_request(&c, 1, true, "GET", "/file/50000000", "");
  h2_request(&c, 3, false, "POST", "/ignore", "content-length: 1");
  h2_data(&c, 3, false, RL_SLICE("too much"));
  h2_send(&c);
  assert_true(rl_conn_queued(conn()) < RL_LIMIT_WRITE_HIGH + (64 << 10));
}

TEST(blanks_around_a_value_are_left_out) {
  UNUSED;
  ask(1, "/never");
  answer(1, RL_SLICE(" \ta b "));
  test_server_settle(&server);
  assert_string_equal(h2_seen(&c), "HEADERS 1 END :status=200 x-text=a b content-length=0");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(trailers_that_go_on_after_the_request_is_freed_touch_nothing_of_it),
                                     CASE(resets_for_malformed_trailers_are_counted),
                                     CASE(a_large_head_is_sent),
                                     CASE(one_that_no_client_takes_resets_its_stream),
                                     CASE(a_head_is_sent_while_its_words_last),
                                     CASE(one_that_cannot_be_sent_lets_others_send_no_more_than_there_is_room_for),
                                     CASE(blanks_around_a_value_are_left_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
