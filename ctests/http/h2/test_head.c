/* Heads of requests from decoded fields. */
#include "http/h2/head.h"

#include "support/test.h"

static rl_chunk_pool chunks;
static rl_limits limits;
static rl_req *req;
static rl_h2_head head;

static int setup(void **state) {
  (void)state;
  rl_chunk_pool_init(&chunks, 4);
  limits = rl_limits_default;
  req = rl_req_new(&chunks);
  rl_h2_head_init(&head, req);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_req_free(req);
  rl_chunk_pool_free(&chunks);
  return 0;
}

static void add(const char *name, const char *value) {
  rl_h2_head_add(&head, &limits, rl_slice_str(name), rl_slice_str(value));
}

static void add_request(const char *method, const char *path, const char *authority) {
  add(":method", method);
  add(":scheme", "https");
  if (authority) add(":authority", authority);
  add(":path", path);
}

static rl_slice value_of(rl_header_id id) {
  const rl_header *found = rl_req_header(req, id);
  return found ? found->value : RL_SLICE_NONE;
}

TEST(a_request_is_filled_in) {
  UNUSED;
  add_request("GET", "/a%20b?q=1", "example.org");
  add("user-agent", "x");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_NONE);
  assert_slice(req->method_name, "GET");
  assert_slice(req->path, "/a b");
  assert_slice(req->query, "q=1");
  assert_slice(req->host, "example.org");
  assert_slice(value_of(RL_HEADER_HOST), "example.org");
  assert_slice(value_of(RL_HEADER_USER_AGENT), "x");
  assert_int_equal(req->version, RL_HTTP_2);
  assert_true(req->body_done);
}

TEST(a_host_does_in_place_of_the_authority) {
  UNUSED;
  add_request("GET", "/", NULL);
  add("host", "example.org");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_NONE);
  assert_slice(req->host, "example.org");
  assert_int_equal(req->header_count, 1);
}

TEST(both_must_agree) {
  UNUSED;
  add_request("GET", "/", "example.org");
  add("host", "EXAMPLE.org");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_NONE);
  assert_int_equal(req->header_count, 1);
}

TEST(if_they_do_not_it_is_refused) {
  UNUSED;
  add_request("GET", "/", "example.org");
  add("host", "other.org");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_HOST);
}

TEST(one_of_them_must_be_there) {
  UNUSED;
  add_request("GET", "/", NULL);
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_HOST_MISSING);
}

TEST(crumbs_become_one_cookie) {
  UNUSED;
  add_request("GET", "/", "a");
  add("cookie", "a=1");
  add("x-between", "1");
  add("cookie", "b=2");
  add("cookie", "c=3");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_NONE);
  assert_slice(value_of(RL_HEADER_COOKIE), "a=1; b=2; c=3");
  assert_int_equal(req->header_count, 3);
}

TEST(a_path_must_be_one) {
  UNUSED;
  add_request("GET", "/a#b", "a");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_TARGET);
}

TEST(an_asterisk_is_for_options) {
  UNUSED;
  add_request("OPTIONS", "*", "a");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_NONE);
}

TEST(methods_that_are_not_known) {
  UNUSED;
  add_request("BREW", "/", "a");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_METHOD_UNKNOWN);
}

TEST(connect_is_not_supported) {
  UNUSED;
  add(":method", "CONNECT");
  add(":authority", "a:80");
  assert_int_equal(rl_h2_head_finish(&head, false), RL_FAULT_CONNECT);
}

TEST(a_length_is_known) {
  UNUSED;
  add_request("POST", "/", "a");
  add("content-length", "5");
  assert_int_equal(rl_h2_head_finish(&head, false), RL_FAULT_NONE);
  assert_true(req->has_length);
  assert_int_equal(req->length, 5);
  assert_false(req->body_done);
}

TEST(or_not) {
  UNUSED;
  add_request("POST", "/", "a");
  assert_int_equal(rl_h2_head_finish(&head, false), RL_FAULT_NONE);
  assert_false(req->has_length);
}

TEST(fields_are_counted) {
  UNUSED;
  limits.fields = 3;
  add_request("GET", "/", "a");
  for (int i = 0; i < 3; i++) add("x", "");
  assert_int_equal(head.fault, RL_FAULT_NONE);
  add("x", "");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_FIELDS_MANY);
}

TEST(each_weighs_32_bytes_more) {
  UNUSED;
  limits.fields_size = 4 * 40 + 100;
  add_request("GET", "/", "a");
  add("x", "");
  assert_int_equal(head.fault, RL_FAULT_NONE);
  add("x", "");
  add("x", "");
  add("x", "");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_FIELDS_LARGE);
}

TEST(crumbs_of_nothing_weigh_too) {
  UNUSED;
  add_request("GET", "/", "a");
  for (int i = 0; i < 129; i++) add("cookie", "");
  assert_int_equal(rl_h2_head_finish(&head, true), RL_FAULT_FIELDS_MANY);
}

TEST(what_is_beyond_the_limit_is_not_kept) {
  UNUSED;
  static char big[4096];
  memset(big, 'x', sizeof big - 1);
  add_request("GET", "/", "a");
  for (int i = 0; i < 500; i++) add("x", big);
  assert_true(req->arena.size < limits.fields_size + 4 * RL_CHUNK_SIZE + 65536);
  assert_true(rl_h2_head_is_bomb(&head, &limits));
}

TEST(long_fields_and_targets_are_refused) {
  UNUSED;
  static char big[9000];
  memset(big, 'x', sizeof big - 1);
  add_request("GET", big, "a");
  assert_int_equal(head.fault, RL_FAULT_TARGET_LONG);
  rl_h2_head_init(&head, req);
  add("x", big);
  assert_int_equal(head.fault, RL_FAULT_FIELD_LONG);
}

TEST(trailers_keep_what_means_nothing_in_a_head) {
  UNUSED;
  add("x-sum", "42");
  add("content-type", "text/html");
  assert_int_equal(rl_h2_head_finish_trailers(&head), RL_FAULT_NONE);
  assert_int_equal(req->trailer_count, 1);
  assert_slice(req->trailers[0].value, "42");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(a_request_is_filled_in),
                                     CASE(a_host_does_in_place_of_the_authority),
                                     CASE(both_must_agree),
                                     CASE(if_they_do_not_it_is_refused),
                                     CASE(one_of_them_must_be_there),
                                     CASE(crumbs_become_one_cookie),
                                     CASE(a_path_must_be_one),
                                     CASE(an_asterisk_is_for_options),
                                     CASE(methods_that_are_not_known),
                                     CASE(connect_is_not_supported),
                                     CASE(a_length_is_known),
                                     CASE(or_not),
                                     CASE(fields_are_counted),
                                     CASE(each_weighs_32_bytes_more),
                                     CASE(crumbs_of_nothing_weigh_too),
                                     CASE(what_is_beyond_the_limit_is_not_kept),
                                     CASE(long_fields_and_targets_are_refused),
                                     CASE(trailers_keep_what_means_nothing_in_a_head)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
