/* The end of a connection under HTTP/1: what rl_conn_cut leaves of its answers, and what a handler keeps of its request. */
#include "http/h1/h1.h"

#include "support/server.h"
#include "support/test.h"

static test_server server;
static test_client *client;

static int setup(void **state) {
  (void)state;
  test_server_init(&server);
  client = test_client_connect(&server);
  return client ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  test_client_free(client);
  test_server_free(&server);
  return 0;
}

/* The client asks, and takes ten bytes of what comes; then the server stops, and has waited long enough. */
static void ask_and_cut(const char *request) {
  client->stream.room = 10;
  test_client_send(client, rl_slice_str(request));
  rl_conn_stop(&client->link->conn);
  test_server_settle(&server);
  assert_non_null(client->link);
  rl_conn_cut(&client->link->conn);
  test_server_settle(&server);
}

static bool has_come(const char *end) {
  rl_slice out = test_client_out(client), last = rl_slice_str(end);
  return out.len >= last.len && memcmp(out.data + out.len - last.len, last.data, last.len) == 0;
}

TEST(an_answer_that_is_complete_may_still_leave) {
  UNUSED;
  ask_and_cut("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_false(has_come("hello"));
  test_client_take(client, SIZE_MAX);
  assert_true(has_come("hello"));
  assert_false(client->stream.reset);
}

TEST(though_the_rest_of_its_request_is_still_dropped) {
  UNUSED;
  ask_and_cut("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
  test_client_take(client, SIZE_MAX);
  assert_true(has_come("ignored"));
  assert_false(client->stream.reset);
}

TEST(one_that_has_only_begun_is_broken_off) {
  UNUSED;
  ask_and_cut("GET /bytes/9999999 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_null(client->link);
  assert_non_null(strstr(client->events, "gone"));
}

TEST(so_may_one_in_place_of_the_handler) {
  UNUSED;
  ask_and_cut("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  test_client_take(client, SIZE_MAX);
  assert_true(rl_slice_starts(test_client_out(client), RL_SLICE("HTTP/1.1 503 ")));
  assert_false(client->stream.reset);
}

TEST(a_connection_that_waits_for_a_request_ends) {
  UNUSED;
  test_client_send(client, RL_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  assert_non_null(client->link);
  rl_conn_cut(&client->link->conn);
  test_server_settle(&server);
  assert_null(client->link);
}

static rl_req *kept;
static void keep(rl_conn *conn, rl_req *req) { (void)conn, kept = req; }

TEST(a_request_whose_client_has_gone_still_says_whose_it_was) {
  UNUSED;
  rl_conn_events events = *server.host.events;
  const rl_conn *conn = &client->link->conn;
  events.handle = keep;
  server.host.events = &events;
  test_client_send(client, RL_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  size_t len = kept->remote.len;
  const char *in_connection = conn->peer_text;
  assert_true(len > 0);
  test_client_break(client);
  assert_null(client->link); /* freed */
  assert_int_equal(kept->remote.len, len);
  assert_ptr_not_equal(kept->remote.data, in_connection);
  kept->ops->release(kept);
}

TEST(hints_come_before_the_answer) {
  UNUSED;
  test_client_send(client, RL_SLICE("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n"));
  assert_true(rl_slice_starts(test_client_out(client),
                              RL_SLICE("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                                       "HTTP/1.1 200 OK\r\n")));
  assert_true(has_come("hello"));
}

TEST(but_not_to_a_client_of_http_1_0) {
  UNUSED;
  test_client_send(client, RL_SLICE("GET /hints HTTP/1.0\r\nHost: a\r\n\r\n"));
  assert_true(rl_slice_starts(test_client_out(client), RL_SLICE("HTTP/1.1 200 OK\r\n")));
}

TEST(a_body_that_nobody_wants_has_no_end_to_hear_of) {
  UNUSED;
  client->stream.room = 10;
  test_client_send(client, RL_SLICE("POST /large/9999999 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "3\r\nabc\r\nno size\r\n"));
  assert_non_null(strstr(client->events, "/large"));
  assert_null(strstr(client->events, "end"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(an_answer_that_is_complete_may_still_leave),
                                     CASE(though_the_rest_of_its_request_is_still_dropped),
                                     CASE(so_may_one_in_place_of_the_handler),
                                     CASE(one_that_has_only_begun_is_broken_off),
                                     CASE(a_connection_that_waits_for_a_request_ends),
                                     CASE(a_request_whose_client_has_gone_still_says_whose_it_was),
                                     CASE(hints_come_before_the_answer),
                                     CASE(but_not_to_a_client_of_http_1_0),
                                     CASE(a_body_that_nobody_wants_has_no_end_to_hear_of)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
