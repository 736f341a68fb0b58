/* Transfers by either carrier against a server of a few lines on the same loop: what they do, and what they do where memory
 * is short. */
#define _GNU_SOURCE
#include "client/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "client/carrier/curl.h"
#include "client/carrier/http1.h"
#include "client/client.h"
#include "net/address.h"
#include "support/test.h"

enum { MOST_PEERS = 16 };

static rl_loop loop;
static rl_engine *engine;
static rl_pool *pool;
static rl_transfer transfer;
static int listener, peers[MOST_PEERS], asker, accepted, requests, close_behind;
static rl_buf heard;
static char url[64];
static rl_location location;
static const char *answer;
static int progress;

/* ---- the server ---- */

static void answer_one(int fd) {
  if (answer) assert_int_equal(write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
  asker = fd;
  requests++;
}

/* Answers each piece that ends like a request. */
static void serve(void) {
  char got[4096];
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd >= 0) peers[accepted++ % MOST_PEERS] = fd;
  for (int i = 0; i < MOST_PEERS; i++) {
    ssize_t n = peers[i] < 0 ? -1 : recv(peers[i], got, sizeof got, 0);
    if (n > 0) rl_buf_add(&heard, got, (size_t)n);
    bool complete = n > 0 && heard.len >= 4 && memcmp(heard.data + heard.len - 4, "\r\n\r\n", 4) == 0;
    if (complete) answer_one(peers[i]);
    if (n == 0 || (complete && close_behind)) close(peers[i]), peers[i] = -1;
  }
}

static void turn(void) {
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  serve();
  usleep(100);
}

static int setup(void **state) {
  (void)state;
  rl_buf text;
  rl_address_policy policy;
  accepted = requests = close_behind = progress = 0;
  for (int i = 0; i < MOST_PEERS; i++) peers[i] = -1;
  rl_buf_init(&text, 1000);
  rl_buf_init(&heard, RL_BUF_NO_LIMIT);
  rl_address_policy_init(&policy, false);
  if (rl_listen_tcp("127.0.0.1", 0, false, &listener, 1, &text) != 1 || rl_loop_init(&loop)) return -1;
  fcntl(listener, F_SETFL, O_NONBLOCK);
  rl_buf_free(&text);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/path", rl_listen_port(listener));
  rl_location_cut(&location, rl_slice_str(url));
  engine = rl_engine_new(&loop);
  pool = rl_pool_new(engine, 2, 0, &policy);
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_pool_unref(pool);
  rl_engine_unref(engine);
  for (int i = 0; i < 5; i++) turn();
  for (int i = 0; i < MOST_PEERS; i++)
    if (peers[i] >= 0) close(peers[i]);
  close(listener);
  rl_buf_free(&heard);
  return rl_loop_free(&loop);
}

/* ---- the client ---- */

static void on_progress(rl_transfer *t) { (void)t, progress++; }

static int begin(rl_transfer *t, const rl_client_request *exchange) {
  rl_transfer_init(t, pool);
  t->on_progress = on_progress;
  return rl_client_start(t, exchange);
}

static void run(rl_transfer *t) {
  for (int i = 0; t->state != RL_TRANSFER_ENDED && i < 5000; i++) turn();
  assert_int_equal(t->state, RL_TRANSFER_ENDED);
}

static void end(rl_transfer *t, int code, const char *body) {
  char room[100];
  rl_slice got;
  assert_int_equal(t->code, code);
  if (body) {
    assert_true(rl_transfer_read(t, room, sizeof room, &got) >= 0);
    assert_slice(got, body);
    rl_transfer_read_on(t);
  }
  rl_transfer_free(t);
}

static const rl_route by_env = {.proxy = "env", .no_proxy = "*"}; /* curl's affair, which then goes straight */

static rl_client_request get(void) {
  return (rl_client_request){.method = "GET", .location = &location, .length = -1, .idempotent = true};
}

TEST(a_plain_request_goes_by_a_link_that_the_next_one_uses_again) {
  UNUSED;
  rl_client_request x = get();
  rl_header headers[] = {{RL_SLICE("X-A"), RL_SLICE("b"), 0}, {RL_SLICE("Empty"), RL_SLICE(""), 0}};
  x.headers = headers;
  x.header_count = 2;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(begin(&transfer, &x), 0);
    assert_ptr_equal(transfer.carrier, &rl_carrier_http1);
    run(&transfer);
    end(&transfer, 0, "hi");
  }
  assert_int_equal(accepted, 1);
  assert_int_equal(pool->idle.count, 1);
  heard.len /= 3;
  rl_buf_add_char(&heard, 0);
  char wanted[200];
  snprintf(wanted, sizeof wanted, "GET /path HTTP/1.1\r\nHost: %.*s\r\nX-A: b\r\nEmpty:\r\n\r\n", (int)strlen(url) - 12,
           url + 7);
  assert_string_equal(heard.data, wanted);
}

TEST(a_request_that_is_not_plain_goes_by_curl) {
  UNUSED;
  rl_client_request x = get();
  x.route = &by_env;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(begin(&transfer, &x), 0);
    assert_ptr_equal(transfer.carrier, &rl_carrier_curl);
    run(&transfer);
    end(&transfer, 0, "hi");
  }
  assert_int_equal(requests, 3);
}

TEST(a_request_that_says_so_is_the_last_on_its_connection) {
  UNUSED;
  rl_client_request x = get();
  rl_header close_it = {RL_SLICE("Connection"), RL_SLICE("Close"), 0};
  x.headers = &close_it;
  x.header_count = 1;
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  assert_int_equal(pool->idle.count, 0);
}

TEST(a_unix_socket_is_a_place_of_its_own) {
  UNUSED;
  char path[64];
  rl_buf text;
  int tcp = listener;
  rl_client_request x = get();
  snprintf(path, sizeof path, "/tmp/rille-transfer-%d", getpid());
  rl_route by_unix = {.unix_path = path};
  rl_buf_init(&text, 1000);
  assert_int_equal(rl_listen_unix(path, &listener, &text), 0);
  rl_buf_free(&text);
  x.route = &by_unix;
  for (int i = 0; i < 2; i++) {
    begin(&transfer, &x);
    run(&transfer);
    end(&transfer, 0, "hi");
  }
  assert_int_equal(accepted, 1);
  close(listener);
  unlink(path);
  listener = tcp;
  x.route = NULL; /* the same host, by TCP */
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  assert_int_equal(accepted, 2);
}

/* "unix:80" is a host and its port, and would be a socket named "80". */
TEST(a_host_named_unix_is_no_unix_socket) {
  UNUSED;
  char path[16], place[64];
  rl_buf text;
  int tcp = listener;
  rl_client_request x = get();
  rl_location host;
  assert_int_equal(chdir("/tmp"), 0);
  snprintf(path, sizeof path, "%d", getpid() % 60000 + 1);
  snprintf(place, sizeof place, "http://unix:%s/", path);
  rl_location_cut(&host, rl_slice_str(place));
  rl_route by_unix = {.unix_path = path};
  rl_buf_init(&text, 1000);
  unlink(path);
  assert_int_equal(rl_listen_unix(path, &listener, &text), 0);
  rl_buf_free(&text);
  x.route = &by_unix;
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  close(listener);
  unlink(path);
  listener = tcp;
  assert_int_equal(pool->idle.count, 1);
  x.route = NULL;
  x.location = &host;
  begin(&transfer, &x);
  assert_int_equal(pool->idle.count, 1);
  rl_transfer_free(&transfer);
}

/* A sender that waited for its program on a dead connection does not wait for it on the next. */
TEST(a_pause_ends_with_its_connection) {
  UNUSED;
  rl_client_request x = get();
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  x.method = "PUT";
  x.has_body = x.streamed = true;
  answer = NULL;
  close_behind = true;
  begin(&transfer, &x);
  assert_int_equal(transfer.paused, RL_PAUSED_SEND);
  for (int i = 0; transfer.state != RL_TRANSFER_CONNECTING && i < 5000; i++) turn();
  assert_int_equal(transfer.state, RL_TRANSFER_CONNECTING);
  assert_int_equal(transfer.paused, 0);
  rl_transfer_free(&transfer);
}

TEST(what_came_before_a_reset_is_read_though_nobody_read_then) {
  UNUSED;
  enum { BODY = 190000 }; /* no more than the kernel holds */
  static char text[BODY + 100], room[65536];
  size_t size = 0;
  rl_slice got;
  rl_client_request x = get();
  int len = snprintf(text, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
  memset(text + len, 'x', BODY);
  answer = NULL;
  begin(&transfer, &x);
  while (!requests) turn();
  for (int sent = 0; sent < len + BODY; turn()) {
    ssize_t n = send(asker, text + sent, (size_t)(len + BODY - sent), MSG_DONTWAIT);
    if (n > 0) sent += (int)n;
  }
  for (int i = 0; i < 20; i++) turn();
  assert_true(transfer.paused & RL_PAUSED_RECV);
  for (int i = 0; i < MOST_PEERS; i++)
    if (peers[i] == asker) peers[i] = -1;
  setsockopt(asker, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  close(asker);
  for (int i = 0; i < 20; i++) turn();
  for (int i = 0; i < 3000 && size < BODY; i++) {
    long n = rl_transfer_read(&transfer, room, sizeof room, &got);
    if (n < 0) break;
    size += (size_t)n;
    rl_transfer_read_on(&transfer);
    turn();
  }
  assert_int_equal(size, BODY);
  run(&transfer);
  end(&transfer, 0, NULL);
}

TEST(a_dead_kept_connection_is_replaced_once) {
  UNUSED;
  rl_client_request x = get();
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  answer = NULL; /* the next request finds the connection closed */
  close_behind = true;
  begin(&transfer, &x);
  for (int i = 0; requests < 2 && i < 5000; i++) turn();
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain";
  close_behind = false;
  run(&transfer);
  end(&transfer, 0, "again");
  assert_int_equal(accepted, 2);
  assert_int_equal(requests, 3);
}

TEST(a_request_that_may_be_sent_once_only_fails_there) {
  UNUSED;
  rl_client_request x = get();
  x.method = "POST";
  x.idempotent = false;
  x.has_body = true;
  begin(&transfer, &x);
  run(&transfer);
  end(&transfer, 0, "hi");
  answer = NULL;
  close_behind = true;
  begin(&transfer, &x);
  run(&transfer);
  assert_string_equal(transfer.message, "the connection was closed, and the request cannot be sent again");
  end(&transfer, RL_ERESET, NULL);
  assert_int_equal(requests, 2);
}

TEST(what_waits_gets_its_turn_and_what_is_stopped_leaves_the_line) {
  UNUSED;
  rl_transfer many[5];
  rl_client_request x = get();
  for (int i = 0; i < 5; i++) assert_int_equal(begin(&many[i], &x), 0);
  assert_int_equal(pool->active, 2);
  rl_transfer_stop(&many[3]);
  rl_transfer_stop(&many[0]);
  assert_int_equal(pool->active, 2);
  for (int i = 1; i < 5; i++)
    if (i != 3) run(&many[i]);
  for (int i = 0; i < 5; i++) end(&many[i], 0, i == 0 || i == 3 ? NULL : "hi");
  assert_int_equal(pool->active, 0);
}

TEST(a_closed_pool_ends_everybody_and_takes_nobody) {
  UNUSED;
  rl_transfer many[3], late;
  rl_client_request x = get();
  answer = NULL;
  for (int i = 0; i < 3; i++) begin(&many[i], &x);
  for (int i = 0; i < 20; i++) turn();
  rl_pool_close(pool);
  for (int i = 0; i < 3; i++) end(&many[i], RL_ECLOSED, NULL);
  assert_int_equal(begin(&late, &x), RL_ECLOSED);
  rl_transfer_free(&late);
}

TEST(a_streamed_body_waits_for_its_connection) {
  UNUSED;
  rl_client_request x = get();
  x.method = "PUT";
  x.has_body = x.streamed = true;
  begin(&transfer, &x);
  rl_transfer_send(&transfer, RL_SLICE("offered early"));
  assert_int_equal(transfer.outgoing.len, 13);
  for (int i = 0; transfer.outgoing.len && i < 5000; i++) turn();
  assert_int_equal(transfer.outgoing.len, 0);
  rl_transfer_send_end(&transfer);
  run(&transfer);
  end(&transfer, 0, "hi");
  rl_buf_add_char(&heard, 0);
  assert_non_null(strstr(heard.data, "Transfer-Encoding: chunked\r\n\r\nd\r\noffered early\r\n0\r\n\r\n"));
}

static void server_says(const char *text) { assert_int_equal(write(asker, text, strlen(text)), (ssize_t)strlen(text)); }

/* A body that is being sent, and the head of an answer that has come meanwhile. */
static void send_and_hear(rl_client_request *x, const char *early) {
  heard.len = 0;
  answer = NULL;
  requests = 0;
  x->method = "PUT";
  x->has_body = x->streamed = true;
  begin(&transfer, x);
  while (!requests) turn();
  rl_transfer_send(&transfer, RL_SLICE("first"));
  for (int i = 0; transfer.outgoing.len && i < 5000; i++) turn();
  server_says(early);
  for (int i = 0; !transfer.has_head && i < 5000; i++) turn();
  assert_true(transfer.has_head);
}

static void goes_on_behind_the_head_of_an_answer(rl_client_request *x) {
  send_and_hear(x, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  assert_true(rl_transfer_wants_body(&transfer));
  rl_transfer_send(&transfer, RL_SLICE("last"));
  for (int i = 0; transfer.outgoing.len && i < 5000; i++) turn();
  rl_transfer_send_end(&transfer);
  for (int i = 0; requests < 2 && i < 5000; i++) turn(); /* the end of the chunks looks like the end of a request */
  server_says("done");
  run(&transfer);
  rl_buf_add_char(&heard, 0);
  assert_non_null(strstr(heard.data, "first\r\n4\r\nlast\r\n0\r\n\r\n"));
  end(&transfer, 0, "done");
}

static void stops_behind_a_refusal(rl_client_request *x, const char *early) {
  send_and_hear(x, early);
  assert_false(rl_transfer_wants_body(&transfer));
  rl_transfer_stop_sending(&transfer);
  server_says("no!");
  if (!strstr(early, "Content-Length")) shutdown(asker, SHUT_WR);
  run(&transfer);
  end(&transfer, 0, "no!");
  for (int i = 0; i < 5; i++) turn();
  rl_buf_add_char(&heard, 0);
  assert_null(strstr(heard.data, "\r\n0\r\n"));
}

static void ends_with_the_whole_of_an_answer(rl_client_request *x) {
  send_and_hear(x, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  run(&transfer);
  assert_false(rl_transfer_wants_body(&transfer));
  rl_transfer_stop_sending(&transfer);
  end(&transfer, 0, "hi");
}

TEST(an_answer_before_the_end_of_the_request_is_looked_at) {
  UNUSED;
  for (int by_curl = 0; by_curl < 2; by_curl++) {
    rl_client_request x = get();
    if (by_curl) x.route = &by_env;
    goes_on_behind_the_head_of_an_answer(&x);
    stops_behind_a_refusal(&x, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\n");
    stops_behind_a_refusal(&x, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
    stops_behind_a_refusal(&x, "HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n");
    ends_with_the_whole_of_an_answer(&x);
  }
  assert_int_equal(pool->active, 0);
}

/* Takes a piece a turn, never all there is. */
static void reads_slowly_in_bounded_memory(const rl_client_request *x) {
  enum { BODY = 4 << 20, HEAD = 64 };
  char *text = malloc(BODY + HEAD), room[1000];
  size_t size = 0, most = 0;
  rl_slice got;
  int len = snprintf(text, HEAD, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
  memset(text + len, 'x', BODY);
  answer = NULL;
  begin(&transfer, x);
  while (!requests) turn();
  rl_slice left = rl_slice_of(text, (size_t)len + BODY);
  while (size < BODY) {
    ssize_t sent = left.len ? send(asker, left.data, left.len < 65536 ? left.len : 65536, MSG_DONTWAIT) : 0;
    if (sent > 0) left = rl_slice_of(left.data + sent, left.len - (size_t)sent);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    for (int i = 0; i < 40 && rl_transfer_unread(&transfer) > (left.len ? 70000 : 0); i++) {
      long n = rl_transfer_read(&transfer, room, sizeof room, &got);
      assert_true(n > 0 && got.data[0] == 'x');
      size += (size_t)n;
      rl_transfer_read_on(&transfer);
    }
    if (transfer.body.cap > most) most = transfer.body.cap;
  }
  assert_int_equal(size, BODY);
  assert_in_range(most, 1, 1 << 20);
  run(&transfer);
  end(&transfer, 0, "");
  free(text);
}

TEST(a_slow_reader_takes_bounded_memory) {
  UNUSED;
  rl_client_request x = get();
  reads_slowly_in_bounded_memory(&x);
  requests = 0;
  x.route = &by_env;
  reads_slowly_in_bounded_memory(&x);
}

/* One exchange while the n-th allocation fails; true where it was not reached any more. */
static bool try_with_fault(const rl_client_request *x, long nth, bool forever) {
  rl_alloc_fail_at(nth, forever);
  int code = begin(&transfer, x);
  if (!code && x->streamed) {
    rl_transfer_send(&transfer, RL_SLICE("piece"));
    rl_transfer_send_end(&transfer);
  }
  for (int i = 0; !code && transfer.state != RL_TRANSFER_ENDED && i < 3000; i++) {
    long counted = rl_alloc_fail_at(0, false);
    serve();
    rl_alloc_fail_at(nth > counted ? nth -= counted : 0, forever);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    usleep(50);
  }
  long counted = rl_alloc_fail_at(0, false);
  assert_true(code || transfer.state == RL_TRANSFER_ENDED);
  bool good = !code && !transfer.code;
  rl_transfer_free(&transfer);
  return good && counted < nth;
}

static void survives(const rl_client_request *x, bool forever) {
  long nth = 1;
  while (!try_with_fault(x, nth, forever) && nth < 200) nth++;
  assert_in_range(nth, 4, 199);
  assert_int_equal(pool->active, 0);
  assert_true(rl_list_empty(&pool->running) && rl_list_empty(&pool->waiting));
}

TEST(memory_that_is_short_ends_a_transfer_and_nothing_else) {
  UNUSED;
  rl_client_request x = get();
  survives(&x, false);
  survives(&x, true);
  close_behind = true; /* a new connection each time */
  survives(&x, false);
  x.method = "PUT";
  x.has_body = x.streamed = true;
  survives(&x, false);
  x.route = &by_env;
  survives(&x, false);
  close_behind = false;
  rl_client_request after = get();
  begin(&transfer, &after);
  run(&transfer);
  end(&transfer, 0, "hi");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_plain_request_goes_by_a_link_that_the_next_one_uses_again),
      CASE(a_request_that_is_not_plain_goes_by_curl),
      CASE(a_request_that_says_so_is_the_last_on_its_connection),
      CASE(a_unix_socket_is_a_place_of_its_own),
      CASE(a_host_named_unix_is_no_unix_socket),
      CASE(a_pause_ends_with_its_connection),
      CASE(what_came_before_a_reset_is_read_though_nobody_read_then),
      CASE(a_dead_kept_connection_is_replaced_once),
      CASE(a_request_that_may_be_sent_once_only_fails_there),
      CASE(what_waits_gets_its_turn_and_what_is_stopped_leaves_the_line),
      CASE(a_closed_pool_ends_everybody_and_takes_nobody),
      CASE(a_streamed_body_waits_for_its_connection),
      CASE(an_answer_before_the_end_of_the_request_is_looked_at),
      CASE(a_slow_reader_takes_bounded_memory),
      CASE(memory_that_is_short_ends_a_transfer_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
