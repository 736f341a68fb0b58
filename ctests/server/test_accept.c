#include "server/accept.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "server/dispatch.h"
#include "support/certificates.h"
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

/* ---- with TLS ----------------------------------------------------------------------------------------------------------- */

static rl_tls_store *store;
static rl_tls_server *tls;

static void make_tls(void) {
  rl_buf why;
  test_certificate one;
  rl_buf_init(&why, 1000);
  test_certificate_make(&one, &(test_certificate_options){.names = "a.example"});
  assert_int_equal(rl_tls_store_new(&store, &(rl_tls_store_options){0}, &why), 0);
  assert_int_equal(rl_tls_store_add_text(store, rl_buf_slice(&one.certificate), rl_buf_slice(&one.key), &why), 0);
  assert_int_equal(rl_tls_server_new(&tls, &loop, store, "http/1.1", &why), 0);
  test_certificate_free(&one);
  rl_buf_free(&why);
}

static void free_tls(void) {
  rl_tls_server_unref(tls);
  rl_tls_store_unref(store);
}

/* A client of OpenSSL's own, on the socket. */
static SSL *shake_hands(SSL_CTX **context) {
  *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl = SSL_new(*context);
  SSL_set_fd(ssl, pair[0]);
  for (int i = 0; i < 100 && SSL_connect(ssl) != 1; i++) turns(2);
  assert_true(SSL_is_init_finished(ssl));
  return ssl;
}

static void handle_secure(rl_conn *conn, rl_req *req) {
  (void)conn;
  requests++;
  assert_true(req->secure);
  rl_answer_plain(req, 200, NULL, 0);
}

static const rl_conn_events secure_events = {.handle = handle_secure, .on_closed = on_closed};

TEST(a_listener_may_have_tls) {
  UNUSED;
  static const char request[] = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  char got[1000] = {0};
  SSL_CTX *context;
  make_tls();
  host.events = &secure_events;
  assert_non_null(rl_accept(&host, &(rl_listen_options){.tls = tls}, pair[1], ""));
  SSL *ssl = shake_hands(&context);
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
    turns(5);
    assert_true(SSL_read(ssl, got, sizeof got) > 0);
    assert_int_equal(strncmp(got, "HTTP/1.1 200 ", 13), 0);
    assert_int_equal(requests, i);
  }
  SSL_shutdown(ssl);
  turns(10);
  assert_int_equal(closed, 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
  free_tls();
}

TEST(plain_http_on_a_listener_with_tls_is_told_so) {
  UNUSED;
  make_tls();
  assert_non_null(rl_accept(&host, &(rl_listen_options){.tls = tls}, pair[1], ""));
  says("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  hears("HTTP/1.1 400 Bad Request\r\n");
  assert_int_equal(requests, 0);
  shutdown(pair[0], SHUT_WR);
  turns(10);
  assert_int_equal(closed, 1);
  free_tls();
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
                                     CASE(a_listener_may_have_another_protocol), CASE(a_listener_may_have_tls),
                                     CASE(plain_http_on_a_listener_with_tls_is_told_so),
                                     CASE(without_memory_the_socket_is_closed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
