/* Requests and answers over HTTP/2. */
#include "http/h2/h2.h"

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

TEST(a_request_is_answered) {
  UNUSED;
  h2_request(&c, 1, true, "GET", "/", "");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200 content-length=5; DATA 1 5 END hello");
}

TEST(so_are_two_at_once) {
  UNUSED;
  h2_request(&c, 1, true, "GET", "/", "");
  h2_request(&c, 3, true, "GET", "/status/404", "");
  h2_send(&c);
  assert_string_equal(h2_seen(&c),
                      "HEADERS 1 :status=200 content-length=5; DATA 1 5 END hello; "
                      "HEADERS 3 :status=404 content-length=4; DATA 3 4 END text");
}

TEST(a_body_comes_back) {
  UNUSED;
  h2_request(&c, 1, false, "POST", "/echo", "");
  h2_data(&c, 1, false, RL_SLICE("abc"));
  h2_data(&c, 1, true, RL_SLICE("def"));
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "HEADERS 1 :status=200 content-length=6; DATA 1 6 END abcdef");
}

TEST(a_settings_frame_is_acknowledged) {
  UNUSED;
  h2_settings(&c, (uint32_t[]){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100, 0});
  h2_ping(&c, "12345678");
  h2_send(&c);
  assert_string_equal(h2_seen(&c), "SETTINGS ACK; PING ACK 12345678");
}

#define BOTH(name) \
  cmocka_unit_test_setup_teardown(name, setup, teardown), { #name " byte by byte", name, setup_bytes, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {BOTH(a_request_is_answered), BOTH(so_are_two_at_once), BOTH(a_body_comes_back),
                                     BOTH(a_settings_frame_is_acknowledged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
