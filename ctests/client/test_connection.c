/* A conn over a connection to ourselves: one end is the conn, the other one the test's. */
#define _GNU_SOURCE
#include "client/connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/idle.h"
#include "support/pair.h"
#include "support/test.h"

static rl_loop loop;
static rl_client_conn *ours;
static rl_response_head head;
static int peer;
static rl_buf body;
static int heads, taken, ends, stays, broken, lost, code, head_code, moved;
static const char *why;

static void on_moved(rl_client_conn *conn) { (void)conn, moved++; }
static int on_head(rl_client_conn *conn) {
  (void)conn;
  heads++;
  return head_code;
}
static int on_body(rl_client_conn *conn, rl_slice bytes) {
  (void)conn;
  return rl_buf_add_slice(&body, bytes);
}
static void on_sent(rl_client_conn *conn) { (void)conn, taken++; }
static void on_end(rl_client_conn *conn, bool may_stay) {
  (void)conn;
  ends++;
  stays = may_stay;
}
static void on_broken(rl_client_conn *conn, int error, const char *text) {
  (void)conn;
  broken++;
  code = error;
  why = text;
}
static void on_lost(rl_client_conn *conn) { (void)conn, lost++; }

static const rl_client_conn_events events = {.on_moved = on_moved,
                                             .on_head = on_head,
                                             .on_body = on_body,
                                             .on_sent = on_sent,
                                             .on_end = on_end,
                                             .on_broken = on_broken,
                                             .on_lost = on_lost};

static rl_client_conn *make_conn(const char *key) {
  int fds[2];
  assert_int_equal(test_connect_pair(fds), 0);
  peer = fds[0];
  rl_client_conn *conn = rl_client_conn_new(&loop, fds[1], &(rl_client_conn_to){.key = rl_slice_str(key)});
  assert_non_null(conn);
  conn->events = &events;
  return conn;
}

static int setup(void **state) {
  (void)state;
  heads = taken = ends = stays = broken = lost = code = head_code = moved = 0;
  why = NULL;
  rl_buf_init(&body, RL_BUF_NO_LIMIT);
  rl_response_head_init(&head);
  if (rl_loop_init(&loop)) return -1;
  ours = make_conn("here:80");
  return 0;
}

static void turn(void) {
  for (int i = 0; i < 20; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(100);
}
static void turn_until(const int *count) {
  for (int i = 0; !*count && i < 5000; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(1000);
  assert_true(*count > 0);
}

static int teardown(void **state) {
  (void)state;
  if (ours) rl_client_conn_close(ours);
  if (peer >= 0) close(peer);
  turn();
  rl_buf_free(&body);
  rl_response_head_free(&head);
  return rl_loop_free(&loop);
}

static void says(const char *text) { assert_int_equal(write(peer, text, strlen(text)), (ssize_t)strlen(text)); }

static void hears(const char *text) {
  static char got[4096];
  ssize_t n = recv(peer, got, sizeof got, MSG_DONTWAIT);
  assert_true(n > 0);
  assert_slice(rl_slice_of(got, (size_t)n), text);
}

static void reset_peer(void) {
  struct linger now = {1, 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(peer);
  peer = -1;
}

static void start(const char *request, bool streamed, int64_t length) {
  rl_client_conn_start(
      ours, &(rl_outgoing){.head = rl_slice_str(request), .streamed = streamed, .length = length, .answer = &head});
}

#define GET "GET / HTTP/1.1\r\nHost: here\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

TEST(an_exchange_leaves_the_connection_to_the_next_one) {
  UNUSED;
  for (int i = 1; i <= 3; i++) {
    start(GET, false, -1);
    hears(GET);
    says(OK "Content-Length: 2\r\n\r\nhi");
    turn_until(&ends);
    assert_int_equal(heads, i);
    assert_true(stays && !ours->busy && ours->used);
    assert_slice(rl_buf_slice(&body), "hi");
    ends = 0;
    rl_buf_clear(&body);
  }
}

TEST(content_in_memory_follows_the_head_in_one_write) {
  UNUSED;
  rl_client_conn_start(
      ours, &(rl_outgoing){.head = RL_SLICE("POST / HTTP/1.1\r\n\r\n"), .content = RL_SLICE("body"), .answer = &head});
  hears("POST / HTTP/1.1\r\n\r\nbody");
  says("HTTP/1.1 204 No Content\r\n\r\n");
  turn_until(&ends);
  assert_true(stays);
}

TEST(offers_of_unknown_length_go_in_chunks) {
  UNUSED;
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  hears("POST / HTTP/1.1\r\n\r\n");
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("hello")), 1);
  hears("5\r\nhello\r\n");
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("a longer piece of it")), 1);
  assert_int_equal(rl_client_conn_send_end(ours), 0);
  hears("14\r\na longer piece of it\r\n0\r\n\r\n");
  says(OK "Content-Length: 0\r\n\r\n");
  turn_until(&ends);
  assert_true(stays);
}

TEST(offers_of_a_known_length_keep_to_it) {
  UNUSED;
  start("PUT / HTTP/1.1\r\n\r\n", true, 8);
  hears("PUT / HTTP/1.1\r\n\r\n");
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("hello")), 1);
  assert_int_equal(rl_client_conn_send_end(ours), RL_EINVALID);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("toolong")), RL_EINVALID);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("you")), 1);
  assert_int_equal(rl_client_conn_send_end(ours), 0);
  hears("helloyou");
}

/* Fills what the kernel holds, then drains it. */
TEST(an_offer_that_the_socket_does_not_take_waits_and_is_told_of) {
  UNUSED;
  enum { SIZE = 1 << 20 };
  static char piece[SIZE], got[SIZE];
  size_t sent = 0, heard = 0;
  int now;
  memset(piece, 'x', SIZE);
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  while ((now = rl_client_conn_send(ours, rl_slice_of(piece, SIZE))) == 1 || !taken) {
    sent += SIZE;
    turn();
    if (now == 0 && !taken) break;
    taken = 0;
  }
  assert_int_equal(now, 0);
  assert_int_equal(taken, 0);
  for (ssize_t n; !taken || heard < sent + 30; uv_run(&loop.uv, UV_RUN_NOWAIT))
    while ((n = recv(peer, got, SIZE, MSG_DONTWAIT)) > 0) heard += (size_t)n;
  assert_int_equal(taken, 1);
  assert_int_equal(rl_client_conn_send_end(ours), 0);
}

TEST(a_fast_peer_does_not_keep_the_loop_busy) {
  UNUSED;
  static char piece[RL_LIMIT_WRITE_HIGH];
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  assert_int_equal(rl_client_conn_send(ours, rl_slice_of(piece, 1000)), 1);
  assert_int_equal(rl_client_conn_send(ours, rl_slice_of(piece, sizeof piece)), 0);
  assert_int_equal(taken, 0);
  static char got[sizeof piece];
  while (recv(peer, got, sizeof got, MSG_DONTWAIT) > 0) continue;
  turn_until(&taken);
  assert_int_equal(taken, 1);
}

TEST(content_in_memory_does_not_either_and_says_that_it_moves) {
  UNUSED;
  enum { SIZE = 8 << 20 };
  static char piece[SIZE], got[SIZE];
  rl_client_conn_start(ours,
                       &(rl_outgoing){.head = RL_SLICE("X"), .content = rl_slice_of(piece, SIZE), .answer = &head});
  assert_false(ours->sent);
  size_t heard = 0;
  for (ssize_t n; heard < SIZE + 1; uv_run(&loop.uv, UV_RUN_NOWAIT))
    if ((n = recv(peer, got, 100000, MSG_DONTWAIT)) > 0) heard += (size_t)n;
  assert_true(ours->sent);
  assert_true(moved >= 2);
}

TEST(an_answer_before_the_whole_request_is_heard_and_ends_the_connection) {
  UNUSED;
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("hello")), 1);
  says("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
  turn_until(&ends);
  assert_int_equal(head.status, 413);
  assert_false(stays);
}

TEST(a_request_that_is_cut_off_has_no_end) {
  UNUSED;
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("hello")), 1);
  rl_client_conn_stop_sending(ours);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("more")), 0);
  turn();
  hears("POST / HTTP/1.1\r\n\r\n5\r\nhello\r\n");
  says("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
  turn_until(&ends);
  assert_slice(rl_buf_slice(&body), "no!");
  assert_false(stays);
}

TEST(what_was_offered_is_given_back_where_it_is_cut_off) {
  UNUSED;
  size_t size = 16 << 20;
  char *piece = calloc(1, size);
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  assert_int_equal(rl_client_conn_send(ours, rl_slice_of(piece, size)), 0);
  rl_client_conn_stop_sending(ours);
  free(piece); /* a conn that still had it would send freed memory */
  for (ssize_t n = 1; n > 0; turn()) n = recv(peer, (char[65536]){0}, 65536, MSG_DONTWAIT);
  assert_int_equal(taken + broken, 0);
  says("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  turn_until(&ends);
}

TEST(an_answer_is_heard_where_writing_fails) {
  UNUSED;
  static char piece[1 << 20];
  start("POST / HTTP/1.1\r\n\r\n", true, -1);
  says("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
  reset_peer();
  usleep(1000);
  for (int i = 0; i < 5 && !ours->write_closed; i++) rl_client_conn_send(ours, rl_slice_of(piece, sizeof piece));
  assert_true(ours->write_closed);
  assert_int_equal(rl_client_conn_send(ours, RL_SLICE("more")), 0);
  turn_until(&ends);
  assert_int_equal(head.status, 413);
  assert_slice(rl_buf_slice(&body), "no!");
  assert_false(stays);
  assert_int_equal(taken + broken, 0);
}

TEST(a_response_that_ends_with_the_connection_ends_well) {
  UNUSED;
  start(GET, false, -1);
  says(OK "\r\nto the end");
  shutdown(peer, SHUT_WR);
  turn_until(&ends);
  assert_slice(rl_buf_slice(&body), "to the end");
  assert_false(stays);
}

TEST(a_connection_that_ends_too_early_is_broken) {
  UNUSED;
  start(GET, false, -1);
  says(OK "Content-Length: 5\r\n\r\nhel");
  shutdown(peer, SHUT_WR);
  turn_until(&broken);
  assert_int_equal(code, RL_ERESET);
  assert_string_equal(why, "the connection was closed in the middle of the body");
  assert_slice(rl_buf_slice(&body), "hel");
}

TEST(a_reset_is_broken_too) {
  UNUSED;
  start(GET, false, -1);
  turn();
  reset_peer();
  turn_until(&broken);
  assert_int_equal(code, RL_ERESET);
  assert_false(ours->answered);
}

TEST(a_malformed_response_is_broken) {
  UNUSED;
  start(GET, false, -1);
  says("hello\r\n");
  turn_until(&broken);
  assert_int_equal(code, RL_EPROTOCOL);
}

TEST(the_owner_may_refuse_a_head) {
  UNUSED;
  start(GET, false, -1);
  head_code = RL_ENOMEM;
  says(OK "Content-Length: 2\r\n\r\nhi");
  turn_until(&broken);
  assert_int_equal(code, RL_ENOMEM);
  assert_int_equal(body.len + (size_t)ends, 0);
}

TEST(bytes_behind_a_response_end_the_connection) {
  UNUSED;
  start(GET, false, -1);
  says(OK "Content-Length: 2\r\n\r\nhiX");
  turn_until(&ends);
  assert_false(stays);
}

TEST(an_idle_link_is_lost_when_its_server_closes_or_speaks) {
  UNUSED;
  says("unasked");
  turn_until(&lost);
  assert_int_equal(broken + ends, 0);
  lost = 0;
  rl_client_conn_close(ours);
  close(peer);
  ours = make_conn("here:80");
  assert_true(rl_client_conn_is_alive(ours));
  shutdown(peer, SHUT_WR);
  usleep(1000);
  assert_false(rl_client_conn_is_alive(ours)); /* before the loop has told */
  turn_until(&lost);
}

TEST(a_paused_link_leaves_bytes_to_the_kernel) {
  UNUSED;
  start(GET, false, -1);
  says(OK "Content-Length: 4\r\n\r\nab");
  turn();
  rl_client_conn_pause(ours);
  says("cd");
  turn();
  assert_slice(rl_buf_slice(&body), "ab");
  rl_client_conn_resume(ours);
  turn_until(&ends);
  assert_slice(rl_buf_slice(&body), "abcd");
}

static int pausing_body(rl_client_conn *conn, rl_slice bytes) {
  rl_client_conn_pause(conn);
  return on_body(conn, bytes);
}

TEST(a_link_that_was_paused_at_the_end_reads_on) {
  UNUSED;
  rl_client_conn_events slow = events;
  slow.on_body = pausing_body;
  ours->events = &slow;
  start(GET, false, -1);
  says(OK "Content-Length: 2\r\n\r\nhi");
  turn_until(&ends);
  assert_true(stays);
  shutdown(peer, SHUT_WR);
  turn_until(&lost);
}

static void close_on_head(rl_client_conn *conn) { rl_client_conn_close(conn); }
static int closing_head(rl_client_conn *conn) {
  close_on_head(conn);
  ours = NULL;
  return RL_OK;
}

TEST(the_owner_may_close_it_from_within_an_event) {
  UNUSED;
  rl_client_conn_events hasty = events;
  hasty.on_head = closing_head;
  ours->events = &hasty;
  start(GET, false, -1);
  says(OK "Content-Length: 2\r\n\r\nhi");
  turn();
  assert_null(ours);
  assert_int_equal(body.len + (size_t)(ends + broken), 0);
}

/* ---- those that wait (idle.h) ---- */

TEST(kept_connections_are_found_by_where_they_lead_the_newest_first) {
  UNUSED;
  rl_idle_conns idle;
  int peers[3];
  rl_client_conn *made[3];
  rl_idle_conns_init(&idle, 10);
  for (int i = 0; i < 3; i++) {
    made[i] = make_conn(i == 1 ? "there:80" : "here:80");
    peers[i] = peer;
    rl_idle_conns_keep(&idle, made[i], (uint64_t)(100 + i));
  }
  rl_slice here = RL_SLICE("here:80"), there = RL_SLICE("there:80");
  assert_null(rl_idle_conns_take(&idle, rl_slice_hash(there), there, 102)); /* too old */
  assert_null(rl_idle_conns_take(&idle, rl_slice_hash(here), there, 0));
  assert_ptr_equal(rl_idle_conns_take(&idle, rl_slice_hash(here), here, 0), made[2]);
  assert_ptr_equal(rl_idle_conns_take(&idle, rl_slice_hash(there), there, 101), made[1]);
  assert_ptr_equal(rl_idle_conns_take(&idle, rl_slice_hash(here), here, 0), made[0]);
  assert_null(rl_idle_conns_take(&idle, rl_slice_hash(here), here, 0));
  for (int i = 0; i < 3; i++) {
    rl_client_conn_close(made[i]);
    if (i < 2) close(peers[i]);
  }
}

TEST(kept_connections_go_when_they_are_old_too_many_or_closed_by_their_server) {
  UNUSED;
  rl_idle_conns idle;
  int peers[4];
  rl_idle_conns_init(&idle, 3);
  for (int i = 0; i < 4; i++) {
    rl_client_conn *conn = make_conn("here:80");
    peers[i] = peer;
    rl_idle_conns_keep(&idle, conn, (uint64_t)(100 + i));
  }
  assert_int_equal(idle.count, 3); /* 101 to 103 */
  assert_int_equal(rl_idle_conns_sweep(&idle, 102), 102);
  assert_int_equal(idle.count, 2);
  close(peers[3]);
  peers[3] = peer = -1;
  turn();
  assert_int_equal(idle.count, 1);
  assert_int_equal(rl_idle_conns_sweep(&idle, UINT64_MAX), UINT64_MAX);
  assert_int_equal(idle.count, 0);
  for (int i = 0; i < 3; i++) close(peers[i]);
}

TEST(without_memory_there_is_no_link_and_no_descriptor) {
  UNUSED;
  int fds[2];
  char byte;
  assert_int_equal(test_connect_pair(fds), 0);
  rl_alloc_fail_at(1, true);
  rl_client_conn *conn = rl_client_conn_new(&loop, fds[1], &(rl_client_conn_to){.key = RL_SLICE("x")});
  rl_alloc_fail_at(0, false);
  assert_null(conn);
  assert_int_equal(read(fds[0], &byte, 1), 0); /* closed */
  close(fds[0]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(an_exchange_leaves_the_connection_to_the_next_one),
      CASE(content_in_memory_follows_the_head_in_one_write),
      CASE(offers_of_unknown_length_go_in_chunks),
      CASE(offers_of_a_known_length_keep_to_it),
      CASE(an_offer_that_the_socket_does_not_take_waits_and_is_told_of),
      CASE(a_fast_peer_does_not_keep_the_loop_busy),
      CASE(content_in_memory_does_not_either_and_says_that_it_moves),
      CASE(an_answer_before_the_whole_request_is_heard_and_ends_the_connection),
      CASE(a_request_that_is_cut_off_has_no_end),
      CASE(what_was_offered_is_given_back_where_it_is_cut_off),
      CASE(an_answer_is_heard_where_writing_fails),
      CASE(a_response_that_ends_with_the_connection_ends_well),
      CASE(a_connection_that_ends_too_early_is_broken),
      CASE(a_reset_is_broken_too),
      CASE(a_malformed_response_is_broken),
      CASE(the_owner_may_refuse_a_head),
      CASE(bytes_behind_a_response_end_the_connection),
      CASE(an_idle_link_is_lost_when_its_server_closes_or_speaks),
      CASE(a_paused_link_leaves_bytes_to_the_kernel),
      CASE(a_link_that_was_paused_at_the_end_reads_on),
      CASE(the_owner_may_close_it_from_within_an_event),
      CASE(kept_connections_are_found_by_where_they_lead_the_newest_first),
      CASE(kept_connections_go_when_they_are_old_too_many_or_closed_by_their_server),
      CASE(without_memory_there_is_no_link_and_no_descriptor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
