/* A connection with TLS, whose server is one of ours on the other end of a pair of sockets. */
#define _GNU_SOURCE
#include "client/connection.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/tls/tls.h"
#include "support/certificates.h"
#include "support/pair.h"
#include "support/test.h"

static rl_loop loop;
static rl_tls_store *store;
static rl_tls_server *server;
static rl_tls_client *trusting;
static rl_buf why_not;

static rl_client_conn *ours;
static rl_tcp tcp;
static rl_tls tls; /* the server's end */
static bool is_open;
static rl_response_head head;
static rl_buf asked;
static int opens, heads, ends, stays, broken, lost, code;
static char why[400];

/* ---- the server --------------------------------------------------------------------------------------------------------- */

static void on_asked(rl_stream *stream, rl_slice bytes) { (void)stream, rl_buf_add_slice(&asked, bytes); }
static void on_server_eof(rl_stream *stream) { (void)stream; }
static void on_server_error(rl_stream *stream, int failure) { (void)stream, (void)failure; }
static void on_server_writable(rl_stream *stream) { (void)stream; }
static void on_server_closed(rl_stream *stream) { (void)stream, is_open = false; }

static const rl_stream_events server_events = {.on_data = on_asked,
                                               .on_eof = on_server_eof,
                                               .on_error = on_server_error,
                                               .on_writable = on_server_writable,
                                               .on_closed = on_server_closed};

static void serve(int fd) {
  assert_int_equal(rl_tcp_init(&tcp, &loop, fd), 0);
  rl_tls_accept(&tls, &loop, &tcp.stream, server);
  tls.stream.events = &server_events;
  tls.stream.ops->read_start(&tls.stream);
  is_open = true;
}

static void says(const char *text) {
  assert_int_equal(rl_stream_write(&tls.stream, rl_slice_str(text)), (ssize_t)strlen(text));
}

/* ---- the client --------------------------------------------------------------------------------------------------------- */

static void on_open(rl_client_conn *conn) { (void)conn, opens++; }
static void on_moved(rl_client_conn *conn) { (void)conn; }
static int on_head(rl_client_conn *conn) {
  (void)conn;
  heads++;
  return 0;
}
static int on_body(rl_client_conn *conn, rl_slice bytes) {
  (void)conn, (void)bytes;
  return 0;
}
static void on_sent(rl_client_conn *conn) { (void)conn; }
static void on_end(rl_client_conn *conn, bool may_stay) {
  (void)conn;
  ends++;
  stays = may_stay;
}
static void on_broken(rl_client_conn *conn, int failure, const char *text) {
  (void)conn;
  broken++;
  code = failure;
  snprintf(why, sizeof why, "%s", text ? text : "");
}
static void on_lost(rl_client_conn *conn) { (void)conn, lost++; }

static const rl_client_conn_events events = {.on_open = on_open,
                                             .on_moved = on_moved,
                                             .on_head = on_head,
                                             .on_body = on_body,
                                             .on_sent = on_sent,
                                             .on_end = on_end,
                                             .on_broken = on_broken,
                                             .on_lost = on_lost};

static void connect_as(const char *name) {
  int fds[2];
  assert_int_equal(test_connect_pair(fds), 0);
  serve(fds[0]);
  rl_client_conn_to to = {.key = RL_SLICE("1 here"), .tls = trusting, .server_name = rl_slice_str(name)};
  ours = rl_client_conn_new(&loop, fds[1], &to);
  if (ours) ours->events = &events;
}

static void turns(int count) {
  for (int i = 0; i < count; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(100);
}

static void turn_until(const int *count) {
  for (int i = 0; !*count && i < 10000; i++) turns(1);
  assert_true(*count > 0);
}

static void open_it(void) {
  connect_as("a.example");
  assert_non_null(ours);
  turn_until(&opens);
}

static void disconnect(void) {
  if (ours) rl_client_conn_close(ours);
  ours = NULL;
  if (is_open) tls.stream.ops->close(&tls.stream, true);
  while (is_open) turns(1);
  turns(3);
}

static int setup(void **state) {
  (void)state;
  test_certificate one;
  opens = heads = ends = stays = broken = lost = code = 0;
  why[0] = 0;
  rl_buf_init(&why_not, 4000);
  rl_buf_init(&asked, RL_BUF_NO_LIMIT);
  rl_response_head_init(&head);
  if (rl_loop_init(&loop)) return -1;
  test_certificate_make(&one, &(test_certificate_options){.names = "a.example"});
  rl_tls_client_options options = {.ca = test_authority_file(), .protocols = "http/1.1"};
  int failed = rl_tls_store_new(&store, &(rl_tls_store_options){0}, &why_not) ||
               rl_tls_store_add_text(store, rl_buf_slice(&one.certificate), rl_buf_slice(&one.key), &why_not) ||
               rl_tls_server_new(&server, &loop, store, "http/1.1", &why_not) ||
               rl_tls_client_new(&trusting, &options, &why_not);
  test_certificate_free(&one);
  return failed;
}

static int teardown(void **state) {
  (void)state;
  disconnect();
  rl_tls_server_unref(server);
  rl_tls_client_unref(trusting);
  rl_tls_store_unref(store);
  rl_response_head_free(&head);
  rl_buf_free(&why_not);
  rl_buf_free(&asked);
  return rl_loop_free(&loop);
}

#define GET "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static void ask(void) {
  rl_buf_clear(&asked);
  rl_client_conn_start(ours, &(rl_outgoing){.head = RL_SLICE(GET), .answer = &head});
  for (int i = 0; asked.len < strlen(GET) && i < 10000; i++) turns(1);
  assert_slice(rl_buf_slice(&asked), GET);
}

/* ---- cases -------------------------------------------------------------------------------------------------------------- */

TEST(an_exchange_leaves_the_connection_to_the_next_one) {
  UNUSED;
  open_it();
  for (int i = 1; i <= 3; i++) {
    ends = 0;
    ask();
    says(OK "Content-Length: 2\r\n\r\nhi");
    turn_until(&ends);
    assert_true(heads == i && stays && rl_client_conn_is_alive(ours));
  }
}

/* The server's tickets come after its handshake, when nobody has asked for anything. */
TEST(what_tls_says_of_itself_is_no_news) {
  UNUSED;
  open_it();
  usleep(20000);
  assert_true(rl_client_conn_is_alive(ours));
  turns(50);
  assert_true(rl_client_conn_is_alive(ours));
  assert_int_equal(lost, 0);
}

TEST(an_end_is_seen_before_the_loop_tells_it_and_calls_back_nobody) {
  UNUSED;
  open_it();
  turns(20);
  tls.stream.ops->shutdown(&tls.stream);
  usleep(20000);
  assert_false(rl_client_conn_is_alive(ours));
  assert_false(rl_client_conn_is_alive(ours));
  assert_int_equal(lost, 0);
}

TEST(so_are_bytes_that_nobody_has_asked_for) {
  UNUSED;
  open_it();
  turns(20);
  says(OK "Content-Length: 0\r\n\r\n");
  usleep(20000);
  assert_false(rl_client_conn_is_alive(ours));
  assert_int_equal(lost, 0);
}

TEST(the_loop_tells_both) {
  UNUSED;
  for (int i = 0; i < 2; i++) {
    opens = lost = 0;
    open_it();
    turns(20);
    if (i) says("evil");
    else tls.stream.ops->close(&tls.stream, false);
    turn_until(&lost);
    disconnect();
  }
}

TEST(a_body_that_ends_by_close_notify_is_whole) {
  UNUSED;
  open_it();
  ask();
  says(OK "\r\nhalf");
  tls.stream.ops->shutdown(&tls.stream);
  turn_until(&ends);
  assert_true(!stays && !broken);
}

TEST(one_that_is_cut_off_is_not) {
  UNUSED;
  open_it();
  ask();
  says(OK "\r\nhalf");
  turns(20);
  tcp.stream.ops->shutdown(&tcp.stream); /* below TLS: nothing is said */
  turn_until(&broken);
  assert_true(code == RL_ERESET && !ends);
  assert_string_equal(why, "the connection was closed without TLS's close_notify");
}

TEST(an_end_before_the_answer_is_a_reset_either_way) {
  UNUSED;
  for (int i = 0; i < 2; i++) {
    opens = broken = 0;
    open_it();
    ask();
    if (i) tcp.stream.ops->shutdown(&tcp.stream);
    else tls.stream.ops->shutdown(&tls.stream);
    turn_until(&broken);
    assert_int_equal(code, RL_ERESET);
    assert_string_equal(why, "the connection was closed before a response came");
    disconnect();
  }
}

TEST(a_wrong_certificate_breaks_the_handshake) {
  UNUSED;
  connect_as("b.example");
  turn_until(&broken);
  assert_true(code == RL_ETLS && !opens);
  assert_string_equal(why, "the certificate is for a.example, not for b.example");
}

TEST(an_end_breaks_the_handshake) {
  UNUSED;
  connect_as("a.example");
  tcp.stream.ops->shutdown(&tcp.stream);
  turn_until(&broken);
  assert_true(code == RL_ETLS && !opens);
}

TEST(it_may_be_closed_at_any_time) {
  UNUSED;
  for (int i = 0; i < 30; i++) {
    connect_as("a.example");
    assert_non_null(ours);
    turns(i);
    disconnect();
  }
}

TEST(without_memory_it_is_broken_or_not_there) {
  UNUSED;
  connect_as("a.example"); /* loads what is loaded once */
  turn_until(&opens);
  disconnect();
  for (long nth = 1; nth <= 12; nth++) {
    int fds[2];
    char byte;
    rl_client_conn_to to = {.key = RL_SLICE("1 here"), .tls = trusting, .server_name = RL_SLICE("a.example")};
    assert_int_equal(test_connect_pair(fds), 0);
    rl_alloc_fail_at(nth, true);
    ours = rl_client_conn_new(&loop, fds[1], &to);
    if (ours) ours->events = &events;
    broken = 0;
    turns(5);
    rl_alloc_fail_at(0, false);
    if (ours && broken) assert_int_equal(code, RL_ENOMEM);
    if (ours) rl_client_conn_close(ours);
    ours = NULL;
    turns(5);
    while (read(fds[0], &byte, 1) > 0) continue; /* its words so far, and that it is closed */
    close(fds[0]);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(an_exchange_leaves_the_connection_to_the_next_one),
      CASE(what_tls_says_of_itself_is_no_news),
      CASE(an_end_is_seen_before_the_loop_tells_it_and_calls_back_nobody),
      CASE(so_are_bytes_that_nobody_has_asked_for),
      CASE(the_loop_tells_both),
      CASE(a_body_that_ends_by_close_notify_is_whole),
      CASE(one_that_is_cut_off_is_not),
      CASE(an_end_before_the_answer_is_a_reset_either_way),
      CASE(a_wrong_certificate_breaks_the_handshake),
      CASE(an_end_breaks_the_handshake),
      CASE(it_may_be_closed_at_any_time),
      CASE(without_memory_it_is_broken_or_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
