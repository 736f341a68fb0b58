#define _GNU_SOURCE
#include "net/tcp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "support/pair.h"
#include "support/test.h"

/* A pair: one end is a stream, the other one the test's. */
typedef struct pair {
  rl_tcp tcp; /* first */
  int peer;
  rl_buf in;
  int eofs, errors, writables, closed, code;
} pair;

static rl_loop loop;
static pair p;

static void on_data(rl_stream *stream, rl_slice bytes) { rl_buf_add_slice(&((pair *)stream)->in, bytes); }
static void on_eof(rl_stream *stream) { ((pair *)stream)->eofs++; }
static void on_error(rl_stream *stream, int code) {
  ((pair *)stream)->errors++;
  ((pair *)stream)->code = code;
}
static void on_writable(rl_stream *stream) { ((pair *)stream)->writables++; }
static void on_closed(rl_stream *stream) { ((pair *)stream)->closed++; }

static const rl_stream_events events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

static int setup(void **state) {
  (void)state;
  int fds[2];
  if (rl_loop_init(&loop) || test_connect_pair(fds)) return -1;
  memset(&p, 0, sizeof p);
  rl_buf_init(&p.in, RL_BUF_NO_LIMIT);
  fcntl(fds[1], F_SETFL, fcntl(fds[1], F_GETFL) | O_NONBLOCK);
  p.peer = fds[0];
  if (rl_tcp_init(&p.tcp, &loop, fds[1])) return -1;
  p.tcp.stream.events = &events;
  return 0;
}

static rl_stream *stream(void) { return &p.tcp.stream; }
static const rl_stream_ops *ops(void) { return p.tcp.stream.ops; }

static void turn(void) {
  for (int i = 0; i < 20; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(200);
}
static void turn_until(const int *count) {
  for (int i = 0; !*count && i < 5000; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(1000);
  assert_true(*count > 0);
}

static void end(void) {
  if (!p.tcp.closed) ops()->close(stream(), false);
  turn_until(&p.closed);
}

static int teardown(void **state) {
  (void)state;
  end();
  if (p.closed != 1) return -1;
  if (p.peer >= 0) close(p.peer);
  rl_buf_free(&p.in);
  return rl_loop_free(&loop);
}

static void peer_says(const char *text) { assert_int_equal(write(p.peer, text, strlen(text)), (ssize_t)strlen(text)); }

TEST(bytes_come_only_while_they_are_wanted) {
  UNUSED;
  peer_says("one");
  turn();
  assert_int_equal(p.in.len, 0);
  ops()->read_start(stream());
  turn();
  assert_slice(rl_buf_slice(&p.in), "one");
  ops()->read_stop(stream());
  peer_says("two");
  turn();
  assert_slice(rl_buf_slice(&p.in), "one");
  ops()->read_start(stream());
  turn();
  assert_slice(rl_buf_slice(&p.in), "onetwo");
}

TEST(a_fin_is_told_once_and_after_the_bytes) {
  UNUSED;
  peer_says("last");
  shutdown(p.peer, SHUT_WR);
  ops()->read_start(stream());
  turn();
  assert_slice(rl_buf_slice(&p.in), "last");
  assert_int_equal(p.eofs, 1);
  assert_int_equal(p.errors, 0);
  assert_int_equal(rl_stream_write(stream(), RL_SLICE("still")), 5); /* half-closed */
}

/* A FIN after a request must not end the handler that works on it. */
TEST(a_fin_is_not_told_while_reading_is_stopped) {
  UNUSED;
  ops()->read_start(stream());
  turn();
  ops()->read_stop(stream());
  shutdown(p.peer, SHUT_WR);
  turn();
  assert_int_equal(p.eofs + p.errors, 0);
  ops()->read_start(stream());
  turn();
  assert_int_equal(p.eofs, 1);
}

TEST(a_reset_is_told_even_while_reading_is_stopped) {
  UNUSED;
  ops()->read_start(stream());
  turn();
  ops()->read_stop(stream());
  struct linger now = {1, 0};
  setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(p.peer);
  p.peer = -1;
  turn_until(&p.errors);
  turn();
  assert_int_equal(p.errors, 1);
  assert_int_equal(p.code, RL_ERESET);
}

/* A server that answers early and resets because the rest of the request is not wanted has answered. */
TEST(bytes_in_front_of_a_reset_are_told_first) {
  UNUSED;
  static char block[3 * RL_LIMIT_READ_BUFFER / 2];
  assert_int_equal(write(p.peer, block, sizeof block), (ssize_t)sizeof block);
  struct linger now = {1, 0};
  setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(p.peer);
  p.peer = -1;
  ops()->read_start(stream());
  turn_until(&p.errors);
  assert_int_equal(p.in.len, sizeof block);
  assert_int_equal(p.code, RL_ERESET);
  turn();
  assert_int_equal(p.errors, 1);
}

TEST(a_peer_that_takes_nothing_makes_the_writer_wait) {
  UNUSED;
  static char block[65536];
  size_t sent = 0, got = 0;
  ssize_t n;
  while ((n = rl_stream_write(stream(), rl_slice_of(block, sizeof block))) > 0) sent += (size_t)n;
  assert_int_equal(n, RL_EAGAIN);
  ops()->want_writable(stream());
  turn();
  assert_int_equal(p.writables, 0);
  while (got < sent) {
    n = read(p.peer, block, sizeof block);
    assert_true(n > 0);
    got += (size_t)n;
  }
  turn_until(&p.writables);
  turn();
  assert_int_equal(p.writables, 1);
  assert_true(rl_stream_write(stream(), RL_SLICE("more")) == 4);
}

TEST(a_write_to_a_peer_that_is_gone_fails_without_a_signal) {
  UNUSED;
  struct linger now = {1, 0};
  setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(p.peer);
  p.peer = -1;
  turn();
  ssize_t n = 1;
  for (int i = 0; n > 0 && i < 10; i++) n = rl_stream_write(stream(), RL_SLICE("x"));
  assert_int_equal(n, RL_ERESET);
}

TEST(news_are_seen_before_the_loop_tells_them) {
  UNUSED;
  assert_false(rl_socket_has_news(p.tcp.fd));
  peer_says("x");
  assert_true(rl_socket_has_news(p.tcp.fd));
  ops()->read_start(stream());
  turn();
  assert_false(rl_socket_has_news(p.tcp.fd));
  shutdown(p.peer, SHUT_WR);
  assert_true(rl_socket_has_news(p.tcp.fd));
}

TEST(parts_leave_in_order) {
  UNUSED;
  struct iovec parts[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  char got[10] = {0};
  assert_int_equal(ops()->write(stream(), parts, 3), 5);
  assert_int_equal(read(p.peer, got, sizeof got), 5);
  assert_string_equal(got, "abcde");
}

TEST(a_file_is_sent_from_where_it_is_asked_for_and_its_end_is_told) {
  UNUSED;
  char name[] = "/tmp/rille-test-XXXXXX", got[10] = {0};
  int fd = mkstemp(name);
  int64_t offset = 3;
  unlink(name);
  assert_int_equal(write(fd, "0123456", 7), 7);
  assert_int_equal(ops()->send_file(stream(), fd, &offset, 100), 4);
  assert_int_equal(offset, 7);
  assert_int_equal(ops()->send_file(stream(), fd, &offset, 100), RL_EEOF);
  assert_int_equal(read(p.peer, got, sizeof got), 4);
  assert_string_equal(got, "3456");
  close(fd);
}

TEST(shutdown_shows_the_peer_the_end_after_what_was_written) {
  UNUSED;
  char got[10];
  rl_stream_write(stream(), RL_SLICE("bye"));
  ops()->shutdown(stream());
  assert_int_equal(read(p.peer, got, sizeof got), 3);
  assert_int_equal(read(p.peer, got, sizeof got), 0);
  ops()->read_start(stream());
  peer_says("heard");
  turn();
  assert_slice(rl_buf_slice(&p.in), "heard");
}

TEST(a_close_with_reset_is_seen_as_one) {
  UNUSED;
  char got[10];
  ops()->close(stream(), true);
  ops()->close(stream(), false); /* once is enough */
  turn();
  assert_int_equal(read(p.peer, got, sizeof got), -1);
  assert_int_equal(p.closed, 1);
}

static void close_on_data(rl_stream *s, rl_slice bytes) {
  on_data(s, bytes);
  s->ops->close(s, false);
}

TEST(it_may_be_closed_from_within_its_own_event) {
  UNUSED;
  rl_stream_events hasty = events;
  hasty.on_data = close_on_data;
  p.tcp.stream.events = &hasty;
  ops()->read_start(stream());
  ops()->want_writable(stream());
  peer_says("x");
  turn_until(&p.closed);
  p.tcp.stream.events = &events;
  assert_int_equal(p.eofs + p.errors, 0);
}

/* As a handler does that asks another server: it runs while the bytes of its own request are parsed. */
static rl_slice seen_after;
static rl_tcp other;

static void read_the_other(rl_stream *stream, rl_slice bytes) {
  (void)stream;
  other.stream.ops->read_start(&other.stream);
  rl_tcp_read_now(&other);
  seen_after = bytes;
  assert_slice(bytes, "mine");
}

static void drop_bytes(rl_stream *stream, rl_slice bytes) { (void)stream, (void)bytes; }
static int other_closed;
static void note_closed(rl_stream *stream) { (void)stream, other_closed++; }

TEST(to_read_one_now_leaves_alone_what_another_one_has_just_told) {
  UNUSED;
  static const rl_stream_events reading = {.on_data = read_the_other, .on_closed = on_closed};
  static const rl_stream_events dropping = {.on_data = drop_bytes, .on_closed = note_closed};
  int fds[2];
  assert_int_equal(test_connect_pair(fds), 0);
  assert_int_equal(rl_tcp_init(&other, &loop, fds[1]), 0);
  other.stream.events = &dropping;
  p.tcp.stream.events = &reading;
  seen_after = RL_SLICE_NONE;
  assert_int_equal(write(fds[0], "theirs", 6), 6);
  assert_int_equal(write(p.peer, "mine", 4), 4);
  ops()->read_start(stream());
  turn();
  other.stream.ops->close(&other.stream, false);
  turn_until(&other_closed);
  close(fds[0]);
  assert_int_equal(seen_after.len, 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(bytes_come_only_while_they_are_wanted),
      CASE(a_fin_is_told_once_and_after_the_bytes),
      CASE(a_fin_is_not_told_while_reading_is_stopped),
      CASE(a_reset_is_told_even_while_reading_is_stopped),
      CASE(bytes_in_front_of_a_reset_are_told_first),
      CASE(a_peer_that_takes_nothing_makes_the_writer_wait),
      CASE(a_write_to_a_peer_that_is_gone_fails_without_a_signal),
      CASE(news_are_seen_before_the_loop_tells_them),
      CASE(parts_leave_in_order),
      CASE(a_file_is_sent_from_where_it_is_asked_for_and_its_end_is_told),
      CASE(shutdown_shows_the_peer_the_end_after_what_was_written),
      CASE(a_close_with_reset_is_seen_as_one),
      CASE(it_may_be_closed_from_within_its_own_event),
      CASE(to_read_one_now_leaves_alone_what_another_one_has_just_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
