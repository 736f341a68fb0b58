/* The end of a connection in stages (http/conn.h): what a client still sends behind its answer is taken off its hands. */
#include "base/error.h"
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

static void send_text(const char *text) { test_client_send(client, rl_slice_str(text)); }

/* So many bytes of a body; nothing of them may stay with the server. */
static void send_bytes(uint64_t count) {
  static const char zeros[64 << 10];
  for (uint64_t size; count; count -= size) {
    size = count < sizeof zeros ? count : sizeof zeros;
    test_client_send(client, rl_slice_of(zeros, size));
    if (client->link) assert_int_equal(((const rl_h1 *)client->link->conn.protocol_state)->pending.len, 0);
  }
}

static bool has_answered(const char *start) { return rl_slice_starts(test_client_out(client), rl_slice_str(start)); }
static bool is_there(void) { return client->link != NULL; }

/* ---- who sends more than was wanted --------------------------------------------------------------------------------------- */

typedef struct early {
  const char *request, *answer, *events;
} early;

/* Each is answered before its body has come, and the answer is the connection's last. */
static const early earlies[] = {
    {"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 200 ", "/ignore"},
    {"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 404 ", "/nowhere"},
    {"POST /file/9 HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 405 ", "/file/9"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 413 ", "/echo, end too_large"},
    {"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 200 ",
     "/ignore"},
    {"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\nExpect: more\r\n\r\n", "HTTP/1.1 417 ", ""},
    {"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\nBad name: x\r\n\r\n", "HTTP/1.1 400 ", ""},
    {"POST /ignore HTTP/1.1\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 400 ", ""},
    {"POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501 ", ""},
    {"POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400000\r\n", "HTTP/1.1 413 ",
     "/small, end too_large"},
    {"POST /ignore HTTP/1.0\r\nContent-Length: 20971520\r\n\r\n", "HTTP/1.1 200 ", "/ignore"},
};

TEST(an_upload_is_taken_to_its_end_behind_an_early_answer) {
  UNUSED;
  for (size_t i = 0; i < sizeof earlies / sizeof *earlies; i++) {
    const early *e = &earlies[i];
    send_text(e->request);
    size_t before = test_client_out(client).len;
    if (!has_answered(e->answer)) fail_msg("%s: %.*s", e->request, RL_FMT(test_client_out(client)));
    assert_true(client->stream.shut);
    assert_false(client->stream.closed);
    send_bytes(20971520);
    send_text("GET / HTTP/1.1\r\nHost: next\r\n\r\n"); /* whatever it is: it is not the next request */
    if (!is_there()) fail_msg("%s: closed during the upload", e->request);
    assert_int_equal(test_client_out(client).len, before);
    assert_string_equal(client->events, e->events);
    test_client_eof(client);
    assert_false(is_there());
    assert_false(client->stream.reset);
    teardown(NULL), setup(NULL);
  }
}

TEST(it_ends_behind_so_many_bytes) {
  UNUSED;
  server.host.limits.linger_size = 1000000;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  send_bytes(1000000);
  assert_true(is_there());
  send_bytes(1);
  assert_false(is_there());
}

TEST(it_ends_behind_so_much_time_however_slowly_bytes_come) {
  UNUSED;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  for (int second = 0; second < 30; second++) {
    assert_true(is_there());
    send_bytes(1);
    test_server_pause(&server, second < 29 ? 1000 : 999);
  }
  assert_true(is_there());
  test_server_pause(&server, 1);
  assert_false(is_there());
}

TEST(it_ends_though_nothing_comes_any_more) {
  UNUSED;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  send_bytes(1000);
  test_server_pause(&server, 29999);
  assert_true(is_there());
  test_server_pause(&server, 1);
  assert_false(is_there());
}

TEST(without_a_limit_to_linger_for_it_ends_at_once) {
  UNUSED;
  server.host.limits.linger_ms = 0;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  assert_true(has_answered("HTTP/1.1 200 "));
  assert_false(is_there());
}

TEST(behind_a_request_that_was_read_to_its_end_it_lingers_briefly) {
  UNUSED;
  send_text("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  test_server_pause(&server, RL_LIMIT_LINGER_BRIEF_MS - 1);
  assert_true(is_there());
  test_server_pause(&server, 1);
  assert_false(is_there());
}

TEST(a_server_that_stops_lingers_while_bytes_come) {
  UNUSED;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  rl_conn_stop(&client->link->conn);
  for (int i = 0; i < 5; i++) {
    test_server_pause(&server, RL_LIMIT_LINGER_BRIEF_MS - 1);
    assert_true(is_there());
    send_bytes(1000);
  }
  test_server_pause(&server, RL_LIMIT_LINGER_BRIEF_MS);
  assert_false(is_there());
}

TEST(a_client_that_sends_all_before_it_reads_gets_its_answer) {
  UNUSED;
  for (int known = 0; known < 2; known++) {
    client->stream.room = 1000;
    send_text(known ? "POST /large/3000000 HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n"
                    : "POST /large/3000000 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400000\r\n");
    send_bytes(20971520);
    assert_null(client->stream.first); /* all of it was read */
    assert_true(is_there());
    test_client_take(client, SIZE_MAX);
    assert_true(test_client_out(client).len > 3000000);
    if (!known) send_text("\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(client->events, known ? "/large/3000000" : "/large/3000000, /");
    teardown(NULL), setup(NULL);
  }
}

/* ---- where the connection goes on ------------------------------------------------------------------------------------------- */

TEST(behind_an_unread_body_of_chunks_the_connection_goes_on) {
  UNUSED;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400000\r\n");
  send_bytes(20971520);
  send_text("\r\n0\r\n\r\nGET /sized/0 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_string_equal(client->events, "/ignore, /sized/0");
  assert_false(test_client_is_closed(client));
}

TEST(unless_it_has_no_end) {
  UNUSED;
  server.host.limits.linger_size = 1000000;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400000\r\n");
  send_bytes(1000000);
  assert_false(test_client_is_closed(client));
  send_bytes(1);
  assert_false(is_there());
}

TEST(or_takes_too_long) {
  UNUSED;
  send_text("POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400000\r\n");
  for (int second = 0; second < 30; second++) {
    assert_true(is_there());
    send_bytes(1000);
    test_server_pause(&server, 1000);
  }
  assert_false(is_there());
}

TEST(a_client_that_gives_its_upload_up_still_gets_an_answer_that_is_under_way) {
  UNUSED;
  client->stream.room = 1000;
  send_text("POST /large/3000000 HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n");
  send_bytes(1000);
  test_client_eof(client);
  assert_true(is_there());
  test_client_take(client, SIZE_MAX);
  assert_true(test_client_out(client).len > 3000000);
  assert_false(is_there());
}

/* ---- when others want the place ----------------------------------------------------------------------------------------------- */

TEST(the_one_that_has_lingered_longest_is_closed_first) {
  UNUSED;
  test_client *others[2];
  for (int i = 0; i < 2; i++) {
    others[i] = test_client_connect(&server);
    test_client_send(others[i], RL_SLICE("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"));
  }
  assert_int_equal(server.host.lingering_count, 2);
  for (int i = 0; i < 2; i++) {
    assert_non_null(others[i]->link);
    assert_true(rl_conn_host_shed(&server.host));
    test_server_settle(&server);
    assert_null(others[i]->link);
  }
  assert_false(rl_conn_host_shed(&server.host));
  assert_int_equal(server.host.lingering_count, 0);
  assert_true(is_there()); /* it does not linger */
  for (int i = 0; i < 2; i++) test_client_free(others[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(an_upload_is_taken_to_its_end_behind_an_early_answer),
                                     CASE(it_ends_behind_so_many_bytes),
                                     CASE(it_ends_behind_so_much_time_however_slowly_bytes_come),
                                     CASE(it_ends_though_nothing_comes_any_more),
                                     CASE(without_a_limit_to_linger_for_it_ends_at_once),
                                     CASE(behind_a_request_that_was_read_to_its_end_it_lingers_briefly),
                                     CASE(a_server_that_stops_lingers_while_bytes_come),
                                     CASE(a_client_that_sends_all_before_it_reads_gets_its_answer),
                                     CASE(behind_an_unread_body_of_chunks_the_connection_goes_on),
                                     CASE(unless_it_has_no_end),
                                     CASE(or_takes_too_long),
                                     CASE(a_client_that_gives_its_upload_up_still_gets_an_answer_that_is_under_way),
                                     CASE(the_one_that_has_lingered_longest_is_closed_first)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
