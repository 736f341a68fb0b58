/* Which protocol a connection begins with. */
#include "http/start.h"

#include "support/server.h"
#include "support/test.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static test_server server;
static test_client *client;
static bool by_bytes;
static rl_security security;

static int setup(void **state) {
  (void)state;
  test_server_init(&server);
  server.protocol = &rl_start_protocol;
  by_bytes = false;
  return 0;
}

static int setup_bytes(void **state) {
  int code = setup(state);
  by_bytes = true;
  return code;
}

static int teardown(void **state) {
  (void)state;
  test_client_free(client);
  test_server_free(&server);
  return 0;
}

/* Connects and says it. */
static void say(rl_slice bytes) {
  client = test_client_connect(&server);
  for (size_t i = 0; by_bytes && i < bytes.len; i++) mem_stream_feed(&client->stream, rl_slice_of(bytes.data + i, 1));
  if (!by_bytes) mem_stream_feed(&client->stream, bytes);
  test_server_settle(&server);
}

static void say_over_tls(const char *protocol, rl_slice bytes) {
  security = (rl_security){.protocol = rl_slice_str(protocol)};
  client = test_client_connect(&server);
  client->stream.stream.security = &security;
  test_client_send(client, bytes);
}

static bool answers(rl_slice front) { return rl_slice_starts(test_client_out(client), front); }
/* The first frame is SETTINGS. */
static bool answers_in_h2(void) { return test_client_out(client).len > 9 && test_client_out(client).data[3] == 4; }

TEST(a_preface_begins_http_2) {
  UNUSED;
  say(RL_SLICE(PREFACE SETTINGS));
  assert_true(answers_in_h2());
}

TEST(all_else_is_http_1) {
  UNUSED;
  say(RL_SLICE(REQUEST));
  assert_true(answers(RL_SLICE("HTTP/1.1 200 OK")));
}

TEST(what_begins_like_a_preface_may_be_too) {
  UNUSED;
  say(RL_SLICE("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"));
  assert_true(answers(RL_SLICE("HTTP/1.1 405 ")));
}

TEST(an_upgrade_is_not_taken) {
  UNUSED;
  say(
      RL_SLICE("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
               "AAMAAABkAAQAAP__\r\n\r\n"));
  assert_true(answers(RL_SLICE("HTTP/1.1 200 OK")));
}

TEST(half_a_preface_is_let_go) {
  UNUSED;
  say(RL_SLICE("PRI * HTTP/2.0\r\n\r\nS"));
  assert_non_null(client->link);
  test_server_pause(&server, 60000);
  assert_true(test_client_is_closed(client));
}

TEST(so_is_who_says_nothing) {
  UNUSED;
  say(RL_SLICE_NONE);
  test_server_pause(&server, 60000);
  assert_true(test_client_is_closed(client));
  assert_int_equal(test_client_out(client).len, 0);
}

TEST(where_http_2_only_is_spoken_http_1_is_told) {
  UNUSED;
  server.protocol = &rl_start_h2_only;
  say(RL_SLICE(REQUEST));
  assert_true(answers(RL_SLICE("HTTP/1.1 505 ")));
  assert_int_equal(server.refusals, 1);
}

TEST(and_all_else_in_frames) {
  UNUSED;
  server.protocol = &rl_start_h2_only;
  say(RL_SLICE("INVALID CONNECTION PREFACE\r\n\r\n"));
  assert_true(answers_in_h2());
  assert_true(test_client_is_closed(client));
}

TEST(tls_has_agreed_on_it) {
  UNUSED;
  say_over_tls("h2", RL_SLICE(PREFACE SETTINGS));
  assert_true(answers_in_h2());
}

TEST(or_on_http_1) {
  UNUSED;
  say_over_tls("http/1.1", RL_SLICE(REQUEST));
  assert_true(answers(RL_SLICE("HTTP/1.1 200 OK")));
}

TEST(then_a_preface_is_none) {
  UNUSED;
  say_over_tls("", RL_SLICE(PREFACE SETTINGS));
  assert_true(answers(RL_SLICE("HTTP/1.1 400 ")));
}

TEST(nor_is_http_1_spoken_over_tls_where_http_2_only_is) {
  UNUSED;
  server.protocol = &rl_start_h2_only;
  say_over_tls("", RL_SLICE(REQUEST));
  assert_true(answers(RL_SLICE("HTTP/1.1 505 ")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BOTH(name) \
  CASE(name), { #name " byte by byte", name, setup_bytes, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {BOTH(a_preface_begins_http_2),
                                     BOTH(all_else_is_http_1),
                                     BOTH(what_begins_like_a_preface_may_be_too),
                                     BOTH(an_upgrade_is_not_taken),
                                     BOTH(half_a_preface_is_let_go),
                                     CASE(so_is_who_says_nothing),
                                     BOTH(where_http_2_only_is_spoken_http_1_is_told),
                                     BOTH(and_all_else_in_frames),
                                     CASE(tls_has_agreed_on_it),
                                     CASE(or_on_http_1),
                                     CASE(then_a_preface_is_none),
                                     CASE(nor_is_http_1_spoken_over_tls_where_http_2_only_is)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
