/* The rules of one request and its answer (http/exchange.h), above a protocol that only notes what it is asked. */
#include "http/exchange.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

static rl_loop loop;
static rl_limits limits;
static rl_exchange x;
static rl_req *req; /* as its handler knows it; NULL once it has released */
static char asked[1000], told[1000];
static int next_code; /* what the protocol answers next, once */
static int ends;

static void add(char *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *list, const char *format, ...) {
  size_t used = strlen(list);
  va_list args;
  va_start(args, format);
  if (used) list[used++] = ' ';
  vsnprintf(list + used, sizeof asked - used, format, args);
  va_end(args);
}

static void was(char *list, const char *text) {
  assert_string_equal(list, text);
  *list = 0;
}

/* ---- a protocol --------------------------------------------------------------------------------------------------------- */

static int take_code(void) {
  int code = next_code;
  next_code = 0;
  return code;
}

static int send_head(rl_exchange *e, const rl_resp *resp) {
  add(asked, "%d%s%s", resp->status, resp->streamed ? "+" : "", e->framing.body && resp->body.len ? ":" : "");
  if (e->framing.body && resp->body.len) snprintf(asked + strlen(asked), 100, "%.*s", RL_FMT(resp->body));
  return take_code();
}
static int send_body(rl_exchange *e, rl_slice bytes) { return (void)e, add(asked, "body:%.*s", RL_FMT(bytes)), take_code(); }
static int send_file(rl_exchange *e, int fd, uint64_t offset, uint64_t size) {
  (void)e, add(asked, "file:%d:%d:%d", fd, (int)offset, (int)size);
  return take_code();
}
static int send_end(rl_exchange *e, const rl_header *trailers, size_t count) {
  (void)e, (void)trailers, add(asked, "end:%zu", count);
  return take_code();
}
static void send_continue(rl_exchange *e) { (void)e, add(asked, "continue"); }
static void flow(rl_exchange *e) { add(asked, e->wants_body ? "read" : "stop"); }
static void drop_body(rl_exchange *e) { (void)e, add(asked, "drop"); }
static void settle(rl_exchange *e) {
  add(asked, "settle");
  if (rl_exchange_is_read(e)) rl_exchange_finish(e);
  else if (!e->drops_body) rl_exchange_drop_body(e);
}
static void on_end(rl_exchange *e) { ends++, add(asked, "over:%d:%d", rl_exchange_report_of(e).status, (int)rl_exchange_report_of(e).bytes); }
static void break_off(rl_exchange *e) { (void)e, add(asked, "break"); }

static const rl_exchange_ops ops = {.send_head = send_head,
                                    .send_body = send_body,
                                    .send_file = send_file,
                                    .send_end = send_end,
                                    .send_continue = send_continue,
                                    .flow = flow,
                                    .drop_body = drop_body,
                                    .settle = settle,
                                    .on_end = on_end,
                                    .break_off = break_off};

/* ---- a handler ---------------------------------------------------------------------------------------------------------- */

static void on_body(rl_req *r, rl_slice bytes) { (void)r, add(told, "%.*s", RL_FMT(bytes)); }
static void on_body_end(rl_req *r, int code) { (void)r, add(told, "end:%s", rl_error_word(code)); }
static void on_drain(rl_req *r) { (void)r, add(told, "drain"); }
static void on_gone(rl_req *r, int code) { (void)r, add(told, "gone:%s", rl_error_word(code)); }

static const rl_req_events all_events = {on_body, on_body_end, on_drain, on_gone};
static const rl_req_events no_events;

static void release(void) {
  req->ops->release(req);
  req = NULL;
}

static int respond(int status, const char *body) {
  return req->ops->respond(req, &(rl_resp){.status = status, .body = rl_slice_str(body)});
}
static int open_stream(void) { return req->ops->respond(req, &(rl_resp){.status = 200, .streamed = true}); }
static int open_sized(uint64_t length) {
  return req->ops->respond(req, &(rl_resp){.status = 200, .streamed = true, .has_length = true, .length = length});
}
static int write_text(const char *text) { return req->ops->write(req, rl_slice_str(text)); }

/* A request with a body of `length` bytes, or of an unknown number of them (-1). */
static void begin(rl_method method, int64_t length, bool expects) {
  req = rl_req_new(&loop.chunks);
  req->method = method;
  req->version = RL_HTTP_1_1;
  req->has_length = length >= 0;
  req->length = length > 0 ? (uint64_t)length : 0;
  req->body_done = length == 0;
  req->expect_continue = expects;
  req->events = &all_events;
  rl_exchange_begin(&x, req);
}

static int setup(void **state) {
  (void)state;
  *asked = *told = 0;
  next_code = ends = 0;
  limits = rl_limits_default;
  limits.body = 10;
  assert_int_equal(rl_loop_init(&loop), 0);
  rl_loop_clock_freeze(&loop);
  rl_exchange_init(&x, &ops, &loop, &limits);
  begin(RL_METHOD_GET, 0, false);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_exchange_lose(&x, RL_ERESET);
  if (req) release();
  assert_int_equal(ends, 1); /* each exchange ends once */
  return rl_loop_free(&loop);
}

/* Another request than that of setup. */
static void again(rl_method method, int64_t length, bool expects) {
  rl_exchange_lose(&x, RL_ERESET);
  release();
  *asked = *told = 0;
  ends = 0;
  begin(method, length, expects);
}

/* ---- the response ------------------------------------------------------------------------------------------------------- */

TEST(a_request_is_answered_once) {
  UNUSED;
  assert_int_equal(respond(200, "one"), 0);
  assert_int_equal(respond(200, "two"), RL_EINVALID);
  assert_int_equal(write_text("more"), RL_EINVALID);
  assert_int_equal(req->ops->end(req, NULL, 0), RL_EINVALID);
  was(asked, "200:one");
  release();
  was(asked, "settle over:200:3");
  assert_null(x.req);
}

TEST(before_its_head_nothing_can_be_written) {
  UNUSED;
  assert_int_equal(write_text("early"), RL_EINVALID);
  assert_int_equal(req->ops->send_file(req, 7, 0, 1), RL_EINVALID);
  assert_int_equal(req->ops->end(req, NULL, 0), RL_EINVALID);
  was(asked, "");
}

TEST(a_response_that_cannot_be_sent_leaves_room_for_another) {
  UNUSED;
  rl_header bad = {.name = RL_SLICE("X"), .value = RL_SLICE("a\r\nb")};
  assert_int_equal(req->ops->respond(req, &(rl_resp){.status = 200, .headers = &bad, .header_count = 1}), RL_EINVALID);
  assert_int_equal(respond(101, ""), RL_EINVALID);
  was(asked, "");
  next_code = RL_ENOMEM;
  assert_int_equal(respond(200, "one"), RL_ENOMEM);
  assert_false(req->responded);
  assert_int_equal(respond(503, "two"), 0);
  was(asked, "200:one 503:two");
}

TEST(what_was_announced_is_neither_exceeded) {
  UNUSED;
  assert_int_equal(open_sized(5), 0);
  assert_int_equal(write_text("123"), 0);
  assert_int_equal(write_text("456"), RL_ETOOBIG);
  assert_int_equal(req->ops->send_file(req, 7, 0, 3), RL_ETOOBIG);
  next_code = RL_EAGAIN;
  assert_int_equal(req->ops->send_file(req, 7, 1, 2), RL_EAGAIN);
  assert_int_equal(req->ops->end(req, NULL, 0), 0);
  was(asked, "200+ body:123 file:7:1:2 end:0");
  release();
  was(asked, "settle over:200:5");
}

TEST(nor_fallen_short_of) {
  UNUSED;
  open_sized(5);
  write_text("123");
  assert_int_equal(req->ops->end(req, NULL, 0), RL_EIO);
  was(asked, "200+ body:123 over:200:3 break");
  assert_int_equal(write_text("45"), RL_ERESET); /* it is over */
  release();
  was(asked, "");
}

TEST(not_by_the_first_piece_or_a_whole_body_either) {
  UNUSED;
  rl_resp resp = {.status = 200, .body = RL_SLICE("hello"), .has_length = true, .length = 4};
  assert_int_equal(req->ops->respond(req, &resp), RL_EINVALID);
  resp.streamed = true;
  assert_int_equal(req->ops->respond(req, &resp), RL_ETOOBIG);
  resp.length = 5;
  assert_int_equal(req->ops->respond(req, &resp), 0);
  assert_int_equal(write_text("!"), RL_ETOOBIG);
  assert_int_equal(req->ops->end(req, NULL, 0), 0);
  was(asked, "200+:hello end:0");
}

TEST(head_204_and_304_have_no_body) {
  UNUSED;
  static const struct {
    rl_method method;
    int status;
  } rows[] = {{RL_METHOD_HEAD, 200}, {RL_METHOD_GET, 204}, {RL_METHOD_GET, 205}, {RL_METHOD_GET, 304}};
  for (size_t i = 0; i < 4; i++) {
    char want[20];
    again(rows[i].method, 0, false);
    rl_resp resp = {.status = rows[i].status, .streamed = true, .has_length = true, .length = 4};
    assert_int_equal(req->ops->respond(req, &resp), 0);
    assert_int_equal(write_text("text"), 0); /* taken, and dropped */
    assert_int_equal(write_text("more than was announced"), 0);
    assert_int_equal(req->ops->send_file(req, 7, 0, 100), 0);
    assert_int_equal(req->ops->end(req, NULL, 0), 0);
    snprintf(want, sizeof want, "%d+ end:0", rows[i].status);
    was(asked, want);
  }
}

TEST(unsafe_trailers_are_refused_and_others_may_follow) {
  UNUSED;
  rl_header bad = {.name = RL_SLICE("Content-Length"), .value = RL_SLICE("1")};
  rl_header good = {.name = RL_SLICE("X-Sum"), .value = RL_SLICE("1")};
  open_stream();
  assert_int_equal(req->ops->end(req, &bad, 1), RL_EINVALID);
  was(asked, "200+");
  assert_int_equal(req->ops->end(req, &good, 1), 0);
  was(asked, "end:1");
}

TEST(a_piece_that_is_lost_ends_the_exchange) {
  UNUSED;
  open_stream();
  next_code = RL_ENOMEM;
  assert_int_equal(write_text("a"), RL_ENOMEM);
  was(asked, "200+ body:a over:200:0 break");
  assert_int_equal(write_text("b"), RL_ERESET);
  was(told, ""); /* the one who was told by the code is not told again */
}

TEST(a_writer_waits_until_it_hears_of_room) {
  UNUSED;
  open_stream();
  next_code = RL_EAGAIN;
  assert_int_equal(write_text("a"), RL_EAGAIN);
  rl_exchange_drained(&x);
  was(told, "drain");
  assert_int_equal(write_text("b"), 0);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

TEST(a_handler_that_leaves_without_an_answer_is_answered_for) {
  UNUSED;
  release();
  was(asked, "500:500: Internal Server Error\n settle over:500:27");
}

TEST(one_that_leaves_in_the_middle_breaks_off) {
  UNUSED;
  open_stream();
  write_text("half");
  release();
  was(asked, "200+ body:half over:200:4 break");
}

TEST(one_that_gives_up_keeps_its_request_until_it_releases) {
  UNUSED;
  open_stream();
  req->ops->abort(req);
  was(asked, "200+ over:200:0 break");
  req->ops->abort(req);
  req->ops->read_body(req, true);
  assert_int_equal(respond(200, ""), RL_ERESET);
  assert_int_equal(req->ops->end(req, NULL, 0), RL_ERESET);
  was(asked, "");
}

TEST(a_client_that_goes_is_told_of_once) {
  UNUSED;
  rl_exchange_lose(&x, RL_ERESET);
  rl_exchange_lose(&x, RL_ERESET);
  was(told, "gone:reset");
  was(asked, "over:0:0");
}

TEST(after_its_release_a_handler_hears_nothing) {
  UNUSED;
  again(RL_METHOD_POST, 5, false);
  respond(200, "early");
  release();
  was(asked, "200:early settle drop");
  assert_false(rl_exchange_take_body(&x, RL_SLICE("12345")));
  rl_exchange_end_body(&x);
  rl_exchange_drained(&x);
  rl_exchange_lose(&x, RL_ERESET);
  was(told, "");
}

TEST(time_that_is_over_is_answered_if_nothing_was) {
  UNUSED;
  assert_true(rl_exchange_cut(&x));
  was(asked, "503:503: Service Unavailable\n over:503:25");
  was(told, "gone:cancelled");
  again(RL_METHOD_GET, 0, false);
  open_stream();
  assert_false(rl_exchange_cut(&x));
  was(asked, "200+ over:200:0");
}

/* ---- the request's body ------------------------------------------------------------------------------------------------- */

TEST(a_body_goes_to_who_wants_it) {
  UNUSED;
  again(RL_METHOD_POST, 6, false);
  req->ops->read_body(req, true);
  req->ops->read_body(req, true);
  was(asked, "read");
  assert_true(rl_exchange_take_body(&x, RL_SLICE("abc")));
  req->ops->read_body(req, false);
  was(asked, "stop");
  req->ops->read_body(req, true);
  assert_true(rl_exchange_take_body(&x, RL_SLICE("def")));
  rl_exchange_end_body(&x);
  was(told, "abc def end:ok");
  assert_true(req->body_done);
  assert_int_equal(req->body_size, 6);
}

TEST(beyond_its_limit_it_fails_and_is_still_answered) {
  UNUSED;
  again(RL_METHOD_POST, -1, false);
  req->ops->read_body(req, true);
  assert_true(rl_exchange_take_body(&x, RL_SLICE("0123456789")));
  assert_true(rl_exchange_take_body(&x, RL_SLICE("!")));
  was(told, "0123456789 end:too_large");
  was(asked, "read stop");
  assert_int_equal(req->body_fault, RL_FAULT_BODY_LARGE);
  assert_int_equal(respond(413, ""), 0);
  release();
  was(asked, "413 settle over:413:0");
}

TEST(the_limit_is_the_requests_own) {
  UNUSED;
  again(RL_METHOD_POST, -1, false);
  assert_int_equal(req->body_limit, limits.body);
  req->ops->read_body(req, true);
  rl_exchange_take_body(&x, RL_SLICE("12345"));
  req->body_limit = 3; /* less than has come */
  rl_exchange_take_body(&x, RL_SLICE("6"));
  was(told, "12345 end:too_large");
}

TEST(a_client_that_waits_is_told_to_go_on_once) {
  UNUSED;
  again(RL_METHOD_POST, 5, true);
  was(asked, "");
  req->ops->read_body(req, true);
  req->ops->read_body(req, false);
  req->ops->read_body(req, true);
  was(asked, "continue read stop read");
}

TEST(not_for_a_body_that_is_too_long_and_not_after_the_answer) {
  UNUSED;
  again(RL_METHOD_POST, 11, true);
  req->ops->read_body(req, true);
  was(asked, "read");
  again(RL_METHOD_POST, 5, true);
  open_stream();
  req->ops->read_body(req, true);
  was(asked, "200+ read");
}

TEST(what_is_not_wanted_is_dropped_behind_an_early_answer) {
  UNUSED;
  again(RL_METHOD_POST, 100, false);
  req->ops->respond(req, &(rl_resp){.status = 200, .streamed = true, .wants_no_body = true});
  was(asked, "200+ drop");
  req->ops->read_body(req, true);
  assert_false(rl_exchange_take_body(&x, RL_SLICE("more than its limit would have allowed")));
  rl_exchange_end_body(&x);
  was(told, "");
  req->ops->end(req, NULL, 0);
  release();
  was(asked, "end:0 settle over:200:0");
}

TEST(a_body_that_fails_after_the_release_ends_the_exchange) {
  UNUSED;
  again(RL_METHOD_POST, -1, false);
  respond(200, "");
  release();
  *asked = 0;
  rl_exchange_fail_body(&x, RL_FAULT_CHUNK);
  was(asked, "stop settle over:200:0");
  was(told, "");
}

TEST(each_fault_has_its_code) {
  UNUSED;
  static const struct {
    rl_fault fault;
    const char *told;
  } rows[] = {{RL_FAULT_BODY_LARGE, "end:too_large"}, {RL_FAULT_BODY_SLOW, "end:timeout"},
              {RL_FAULT_MEMORY, "end:memory"},        {RL_FAULT_CHUNK, "end:syntax"}};
  for (size_t i = 0; i < 4; i++) {
    again(RL_METHOD_POST, -1, false);
    rl_exchange_fail_body(&x, rows[i].fault);
    if (rows[i].fault == RL_FAULT_MEMORY) *told = 0; /* its word is error.h's */
    else was(told, rows[i].told);
  }
}

TEST(only_time_in_which_it_is_wanted_counts_against_it) {
  UNUSED;
  again(RL_METHOD_POST, -1, false);
  limits.body_grace_ms = 1000;
  limits.body_rate = 100;
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 5000);
  assert_int_equal(rl_exchange_body_left_ms(&x), 1000);
  req->ops->read_body(req, true);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 600);
  assert_int_equal(rl_exchange_body_left_ms(&x), 400);
  rl_exchange_take_body(&x, RL_SLICE("1234567890")); /* worth 100 ms */
  assert_int_equal(rl_exchange_body_left_ms(&x), 500);
  req->ops->read_body(req, false);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 5000);
  assert_int_equal(rl_exchange_body_left_ms(&x), 500);
  req->ops->read_body(req, true);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 500);
  assert_int_equal(rl_exchange_body_left_ms(&x), 0);
  limits.body_rate = 0;
  assert_true(rl_exchange_body_left_ms(&x) == UINT64_MAX);
}

TEST(a_handler_need_not_listen) {
  UNUSED;
  const rl_req_events *lists[] = {NULL, &no_events};
  for (int i = 0; i < 2; i++) {
    again(RL_METHOD_POST, -1, false);
    req->events = lists[i];
    req->ops->read_body(req, true);
    rl_exchange_take_body(&x, RL_SLICE("abc"));
    rl_exchange_drained(&x);
    rl_exchange_end_body(&x);
    rl_exchange_lose(&x, RL_ERESET);
    release();
    ends = 0;
    begin(RL_METHOD_POST, -1, false);
    req->events = lists[i];
    rl_exchange_fail_body(&x, RL_FAULT_CHUNK);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(a_request_is_answered_once),
                                     CASE(before_its_head_nothing_can_be_written),
                                     CASE(a_response_that_cannot_be_sent_leaves_room_for_another),
                                     CASE(what_was_announced_is_neither_exceeded),
                                     CASE(nor_fallen_short_of),
                                     CASE(not_by_the_first_piece_or_a_whole_body_either),
                                     CASE(head_204_and_304_have_no_body),
                                     CASE(unsafe_trailers_are_refused_and_others_may_follow),
                                     CASE(a_piece_that_is_lost_ends_the_exchange),
                                     CASE(a_writer_waits_until_it_hears_of_room),
                                     CASE(a_handler_that_leaves_without_an_answer_is_answered_for),
                                     CASE(one_that_leaves_in_the_middle_breaks_off),
                                     CASE(one_that_gives_up_keeps_its_request_until_it_releases),
                                     CASE(a_client_that_goes_is_told_of_once),
                                     CASE(after_its_release_a_handler_hears_nothing),
                                     CASE(time_that_is_over_is_answered_if_nothing_was),
                                     CASE(a_body_goes_to_who_wants_it),
                                     CASE(beyond_its_limit_it_fails_and_is_still_answered),
                                     CASE(the_limit_is_the_requests_own),
                                     CASE(a_client_that_waits_is_told_to_go_on_once),
                                     CASE(not_for_a_body_that_is_too_long_and_not_after_the_answer),
                                     CASE(what_is_not_wanted_is_dropped_behind_an_early_answer),
                                     CASE(a_body_that_fails_after_the_release_ends_the_exchange),
                                     CASE(each_fault_has_its_code),
                                     CASE(only_time_in_which_it_is_wanted_counts_against_it),
                                     CASE(a_handler_need_not_listen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
