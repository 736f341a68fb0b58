#include "server/accept.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "server/dispatch.h"
#include "support/test.h"

static rl_loop loop;
static rl_conn_host host;
static int pair[2]; /* the client's, ours */
static int closed, requests;

/* ---- a protocol that greets, and says what comes back ------------------------------------------------------------------- */

static int open_parrot(rl_conn *conn) {
  rl_buf_add_str(rl_conn_out(conn), "hello;");
  rl_conn_flush_soon(conn);
  return RL_OK;
}

static void on_data(rl_conn *conn, rl_slice bytes) {
  rl_buf_add_slice(rl_conn_out(conn), bytes);
  rl_conn_flush_soon(conn);
}

static void on_eof(rl_conn *conn) { rl_conn_finish(conn, RL_LINGER_NONE); }
static void on_nothing(rl_conn *conn) { (void)conn; }
static void on_broken(rl_conn *conn, int code) { (void)conn, (void)code; }
static void on_free(rl_conn *conn, void *state) { (void)conn, (void)state; }

static const rl_protocol parrot = {.open = open_parrot,
                                   .on_data = on_data,
                                   .on_eof = on_eof,
                                   .on_drained = on_nothing,
                                   .on_clock = on_nothing,
                                   .on_broken = on_broken,
                                   .on_stop = on_nothing,
                                   .on_cut = on_nothing,
                                   .on_free = on_free};

/* ---- the server --------------------------------------------------------------------------------------------------------- */

static void handle(rl_conn *conn, rl_req *req) {
  (void)conn;
  requests++;
  assert_true(rl_slice_eq(req->remote, RL_SLICE("192.0.2.7")));
  assert_false(req->secure);
  rl_answer_plain(req, 200, NULL, 0);
}

static void on_closed(rl_conn *conn) {
  closed++;
  rl_accept_free(conn);
}

static const rl_conn_events events = {.handle = handle, .on_closed = on_closed};

static int setup(void **state) {
  (void)state;
  closed = requests = 0;
  if (rl_loop_init(&loop) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) return -1;
  rl_conn_host_init(&host, &loop, &events, NULL);
  return 0;
}

static void turns(int count) {
  while (count--) uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static int teardown(void **state) {
  (void)state;
  close(pair[0]);
  turns(10);
  rl_conn_host_free(&host);
  return rl_loop_free(&loop);
}

static void says(const char *text) {
  assert_int_equal(write(pair[0], text, strlen(text)), strlen(text));
  turns(5);
}

static void hears(const char *start) {
  char got[1000] = {0};
  turns(5);
  assert_true(read(pair[0], got, sizeof got - 1) > 0);
  if (strncmp(got, start, strlen(start)) != 0) fail_msg("'%s'", got);
}

static const rl_listen_options defaults;

TEST(a_connection_speaks_http_1_unless_its_listener_says_otherwise) {
  UNUSED;
  assert_non_null(rl_accept(&host, &defaults, pair[1], "192.0.2.7"));
  says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  hears("HTTP/1.1 200 ");
  assert_int_equal(requests, 1);
  shutdown(pair[0], SHUT_WR);
  turns(10);
  assert_int_equal(closed, 1);
}

TEST(a_listener_may_have_another_protocol) {
  UNUSED;
  assert_non_null(rl_accept(&host, &(rl_listen_options){.protocol = &parrot}, pair[1], ""));
  hears("hello;");
  says("GET / HTTP/1.1\r\n\r\n");
  hears("GET / HTTP/1.1\r\n\r\n");
  assert_int_equal(requests, 0);
  shutdown(pair[0], SHUT_WR);
  turns(10);
  assert_int_equal(closed, 1);
}

/* Returns true if the client sees the end. */
static bool is_over(void) {
  char byte;
  turns(10);
  return read(pair[0], &byte, 1) <= 0 && fcntl(pair[1], F_GETFD) < 0;
}

TEST(without_memory_the_socket_is_closed) {
  UNUSED;
  for (long nth = 1; nth <= 2; nth++) { /* the stack's, the protocol's */
    rl_alloc_fail_at(nth, false);
    rl_conn *conn = rl_accept(&host, &defaults, pair[1], "");
    rl_alloc_fail_at(0, false);
    assert_int_equal(conn != NULL, nth == 2);
    assert_true(is_over());
    assert_int_equal(closed, nth == 2);
    teardown(NULL), setup(NULL);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(a_connection_speaks_http_1_unless_its_listener_says_otherwise),
                                     CASE(a_listener_may_have_another_protocol), CASE(without_memory_the_socket_is_closed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
