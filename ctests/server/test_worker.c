/* A worker on a real port: how many it lets in, and how it stops. */
#include "server/worker.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/address.h"
#include "server/dispatch.h"
#include "support/test.h"

static rl_loop loop;
static rl_worker worker;
static rl_limits limits;
static rl_req *held; /* a request whose handler takes its time */
static int port, stopped, gone;

static void on_gone(rl_req *req, int code) {
  (void)code;
  gone++;
  held = NULL;
  req->ops->release(req);
}
static const rl_req_events held_events = {.on_gone = on_gone};

static void handle(rl_handler *handler, rl_req *req) {
  (void)handler;
  if (!rl_slice_eq(req->path, RL_SLICE("/slow"))) {
    rl_answer_plain(req, 200, NULL, 0);
    return;
  }
  req->events = &held_events;
  held = req;
}
static rl_handler handler = {.handle = handle, .limits = &limits};

static void on_stopped(rl_worker *w) {
  (void)w;
  stopped++;
}

static int setup(void **state) {
  (void)state;
  int fd;
  rl_buf why;
  stopped = gone = 0;
  held = NULL;
  limits = rl_limits_default;
  rl_buf_init(&why, 1000);
  if (rl_loop_init(&loop) || rl_listen_tcp("127.0.0.1", 0, false, &fd, 1, &why) != 1) return -1;
  rl_buf_free(&why);
  port = rl_listen_port(fd);
  rl_worker_init(&worker, &loop, &handler);
  worker.on_stopped = on_stopped;
  return rl_worker_listen(&worker, fd, NULL);
}

static void turn(void) { uv_run(&loop.uv, UV_RUN_NOWAIT); }

static void turn_for(int ms) {
  for (uint64_t end = rl_loop_clock(&loop) + (uint64_t)ms; rl_loop_clock(&loop) < end; usleep(500)) turn();
}

static int teardown(void **state) {
  (void)state;
  rl_worker_stop(&worker, 10);
  for (int i = 0; !stopped && i < 5000; i++) turn(), usleep(1000);
  rl_worker_free(&worker);
  return rl_loop_free(&loop) || stopped != 1 || worker.connection_count ? -1 : 0;
}

static int dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void ask(int fd, const char *path) {
  char text[100];
  int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
  assert_int_equal(write(fd, text, (size_t)len), len);
}

/* Whether something can be read within so many milliseconds of the loop: bytes or the end. */
static bool hears(int fd, int ms) {
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  for (uint64_t end = rl_loop_clock(&loop) + (uint64_t)ms; rl_loop_clock(&loop) < end; usleep(500)) {
    turn();
    if (poll(&waiting, 1, 0) == 1) return true;
  }
  return false;
}

/* The status that was read; 0 where the connection was closed instead. */
static int status_of(int fd) {
  char text[1000] = {0};
  assert_true(hears(fd, 5000));
  ssize_t n = read(fd, text, sizeof text - 1);
  return n > 12 ? (text[9] - '0') * 100 + (text[10] - '0') * 10 + text[11] - '0' : 0;
}

TEST(more_than_it_takes_wait_until_one_has_left) {
  UNUSED;
  limits.connections = 2;
  rl_worker_start(&worker);
  int fds[3];
  for (int i = 0; i < 3; i++) fds[i] = dial(), ask(fds[i], "/");
  assert_int_equal(status_of(fds[0]), 200);
  assert_int_equal(status_of(fds[1]), 200);
  assert_false(hears(fds[2], 30));
  assert_int_equal(worker.connection_count, 2);
  close(fds[0]);
  assert_int_equal(status_of(fds[2]), 200);
  close(fds[1]);
  close(fds[2]);
}

TEST(a_stop_lets_what_runs_finish_and_nobody_in) {
  UNUSED;
  rl_worker_start(&worker);
  int fd = dial(), idle = dial();
  ask(fd, "/slow");
  for (int i = 0; !held && i < 5000; i++) turn(), usleep(1000);
  assert_non_null(held);
  rl_worker_stop(&worker, 60000);
  turn_for(RL_LIMIT_STOP_IDLE_MS + 100);
  assert_int_equal(status_of(idle), 0); /* closed: it had nothing to ask */
  assert_int_equal(stopped, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
  rl_answer_plain(held, 200, NULL, 0);
  assert_int_equal(status_of(fd), 200);
  close(fd);
  for (int i = 0; !stopped && i < 5000; i++) turn(), usleep(1000);
  assert_int_equal(stopped, 1);
  assert_int_equal(gone, 0);
  close(idle);
  close(late);
}

static void until_stopped(void) {
  for (int i = 0; !stopped && i < 5000; i++) turn(), usleep(1000);
  assert_int_equal(stopped, 1);
}

TEST(what_has_no_answer_by_the_timeout_is_told_503) {
  UNUSED;
  rl_worker_start(&worker);
  int fd = dial();
  char text[1000] = {0};
  ask(fd, "/slow");
  for (int i = 0; !held && i < 5000; i++) turn(), usleep(1000);
  rl_worker_stop(&worker, 20);
  assert_true(hears(fd, 5000));
  assert_true(read(fd, text, sizeof text - 1) > 0);
  assert_memory_equal(text, "HTTP/1.1 503 ", 13);
  assert_non_null(strstr(text, "Connection: close\r\n"));
  assert_int_equal(gone, 1); /* the handler hears of it */
  close(fd);
  until_stopped();
}

TEST(an_answer_that_has_begun_by_the_timeout_is_broken_off) {
  UNUSED;
  rl_worker_start(&worker);
  int fd = dial();
  char text[1000];
  ask(fd, "/slow");
  for (int i = 0; !held && i < 5000; i++) turn(), usleep(1000);
  rl_resp resp = {.status = 200, .streamed = true};
  assert_int_equal(held->ops->respond(held, &resp), 0);
  assert_int_equal(status_of(fd), 200);
  rl_worker_stop(&worker, 20);
  assert_true(hears(fd, 5000));
  ssize_t n = read(fd, text, sizeof text);
  assert_true(n <= 0); /* no last chunk: the client knows that something is missing */
  assert_int_equal(gone, 1);
  close(fd);
  until_stopped();
}

TEST(a_client_that_does_not_take_its_503_delays_nothing_for_long) {
  UNUSED;
  rl_worker_start(&worker);
  int fd = dial();
  ask(fd, "/slow");
  for (int i = 0; !held && i < 5000; i++) turn(), usleep(1000);
  uint64_t since = rl_loop_clock(&loop);
  rl_worker_stop(&worker, 20);
  until_stopped(); /* it never closes its side */
  assert_true(rl_loop_clock(&loop) - since < RL_LIMIT_CUT_MS + 3000);
  close(fd);
}

TEST(memory_that_is_short_costs_that_connection_only) {
  UNUSED;
  rl_worker_start(&worker);
  int fd = dial();
  rl_alloc_fail_at(1, true);
  turn_for(20);
  rl_alloc_fail_at(0, false);
  assert_int_equal(status_of(fd), 0);
  close(fd);
  fd = dial();
  ask(fd, "/");
  assert_int_equal(status_of(fd), 200);
  close(fd);
}

TEST(those_who_linger_make_room_for_others) {
  UNUSED;
  limits.connections = 2;
  rl_worker_start(&worker);
  int fds[4];
  for (int i = 0; i < 2; i++) {
    static const char upload[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
    fds[i] = dial();
    assert_int_equal(write(fds[i], upload, sizeof upload - 1), sizeof upload - 1);
    assert_int_equal(status_of(fds[i]), 200);
  }
  assert_int_equal(worker.host.lingering_count, 2);
  for (int i = 2; i < 4; i++) {
    fds[i] = dial(), ask(fds[i], "/");
    assert_int_equal(status_of(fds[i]), 200);
    assert_int_equal(worker.host.lingering_count, 3 - i);
    assert_true(worker.connection_count <= 2);
  }
  int fifth = dial();
  ask(fifth, "/");
  assert_false(hears(fifth, 30)); /* nobody lingers any more */
  for (int i = 0; i < 4; i++) close(fds[i]);
  assert_int_equal(status_of(fifth), 200);
  close(fifth);
}

/* Says one word and ends. */
static int open_greeter(rl_conn *conn) {
  rl_buf_add_str(rl_conn_out(conn), "hello");
  rl_conn_finish(conn, RL_LINGER_NONE);
  return RL_OK;
}
static void on_free(rl_conn *conn, void *state) { (void)conn, (void)state; }

TEST(each_listener_has_options_of_its_own) {
  UNUSED;
  static const rl_protocol greeter = {.open = open_greeter, .on_free = on_free};
  char text[100] = {0};
  int fd, http = port;
  rl_buf why;
  rl_buf_init(&why, 1000);
  assert_int_equal(rl_listen_tcp("127.0.0.1", 0, false, &fd, 1, &why), 1);
  rl_buf_free(&why);
  port = rl_listen_port(fd);
  assert_int_equal(rl_worker_listen(&worker, fd, &(rl_listen_options){.protocol = &greeter}), 0);
  rl_worker_start(&worker);
  int one = dial();
  assert_true(hears(one, 5000));
  assert_int_equal(read(one, text, sizeof text), 5);
  assert_string_equal(text, "hello");
  close(one);
  port = http;
  one = dial();
  ask(one, "/");
  assert_int_equal(status_of(one), 200);
  close(one);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(more_than_it_takes_wait_until_one_has_left),
      CASE(a_stop_lets_what_runs_finish_and_nobody_in),
      CASE(what_has_no_answer_by_the_timeout_is_told_503),
      CASE(an_answer_that_has_begun_by_the_timeout_is_broken_off),
      CASE(a_client_that_does_not_take_its_503_delays_nothing_for_long),
      CASE(memory_that_is_short_costs_that_connection_only),
      CASE(those_who_linger_make_room_for_others),
      CASE(each_listener_has_options_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
