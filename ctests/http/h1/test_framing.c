/* HTTP/1's framing of requests and responses (RFC 9112 sections 6 and 9.3). The wire tests try what peers send; here are the
 * results that a reader and a writer go by. */
#include "http/h1/framing.h"

#include "support/test.h"

typedef struct request_row {
  rl_version version;
  const char *name, *value; /* one field beside none */
  rl_fault fault;
  bool chunked, keep_alive, has_length, body_done;
  uint64_t length;
} request_row;

static const request_row requests[] = {
    {RL_HTTP_1_1, "Accept", "*/*", RL_FAULT_NONE, false, true, true, true, 0},
    {RL_HTTP_1_0, "Accept", "*/*", RL_FAULT_NONE, false, false, true, true, 0},
    {RL_HTTP_1_1, "Content-Length", "0", RL_FAULT_NONE, false, true, true, true, 0},
    {RL_HTTP_1_1, "Content-Length", "12", RL_FAULT_NONE, false, true, true, false, 12},
    {RL_HTTP_1_1, "Content-Length", "-1", RL_FAULT_LENGTH, false, true, true, true, 0},
    {RL_HTTP_1_1, "Transfer-Encoding", "chunked", RL_FAULT_NONE, true, true, false, false, 0},
    {RL_HTTP_1_0, "Transfer-Encoding", "chunked", RL_FAULT_CODING, true, false, false, false, 0},
    {RL_HTTP_1_1, "Transfer-Encoding", "gzip, chunked", RL_FAULT_CODING_UNKNOWN, true, true, false, false, 0},
    {RL_HTTP_1_1, "Connection", "close", RL_FAULT_NONE, false, false, true, true, 0},
    {RL_HTTP_1_1, "Connection", "keep-alive, close", RL_FAULT_NONE, false, false, true, true, 0},
    {RL_HTTP_1_0, "Connection", "keep-alive", RL_FAULT_NONE, false, true, true, true, 0},
};

TEST(a_request_says_where_it_ends_and_what_comes_after_it) {
  UNUSED;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    const request_row *r = &requests[i];
    rl_header header = {.name = rl_slice_str(r->name), .value = rl_slice_str(r->value)};
    header.id = (uint8_t)rl_header_id_of(header.name);
    rl_req req = {.version = (uint8_t)r->version, .headers = &header, .header_count = 1};
    rl_h1_message message;
    bool same = rl_h1_check_framing(&req, &message) == r->fault && message.chunked == r->chunked &&
                message.keep_alive == r->keep_alive && req.has_length == r->has_length &&
                req.body_done == r->body_done && req.length == r->length;
    if (!same) fail_msg("%zu: %s: %s", i, r->name, r->value);
  }
}

TEST(a_length_beside_a_coding_is_refused_in_either_order) {
  UNUSED;
  rl_header headers[] = {
      {.name = RL_SLICE("Content-Length"), .value = RL_SLICE("5"), .id = RL_HEADER_CONTENT_LENGTH},
      {.name = RL_SLICE("Transfer-Encoding"), .value = RL_SLICE("chunked"), .id = RL_HEADER_TRANSFER_ENCODING},
      {.name = RL_SLICE("Content-Length"), .value = RL_SLICE("5"), .id = RL_HEADER_CONTENT_LENGTH}};
  rl_h1_message message;
  for (size_t from = 0; from < 2; from++) {
    rl_req req = {.version = RL_HTTP_1_1, .headers = headers + from, .header_count = 2};
    assert_int_equal(rl_h1_check_framing(&req, &message), RL_FAULT_LENGTH_AND_CODING);
  }
}

TEST(a_response_of_unknown_length_is_chunked_or_ends_the_connection) {
  UNUSED;
  rl_framing sized = {.body = true, .has_length = true, .length = 7}, unknown = {.body = true}, none = {.body = false};
  rl_h1_framing f = rl_h1_framing_of(&sized, RL_HTTP_1_1);
  assert_true(f.has_length && f.length == 7 && !f.chunked && !f.until_close);
  f = rl_h1_framing_of(&sized, RL_HTTP_1_0);
  assert_true(f.has_length && f.length == 7 && !f.chunked && !f.until_close);
  f = rl_h1_framing_of(&unknown, RL_HTTP_1_1);
  assert_true(!f.has_length && f.chunked && !f.until_close);
  f = rl_h1_framing_of(&unknown, RL_HTTP_1_0);
  assert_true(!f.has_length && !f.chunked && f.until_close);
  f = rl_h1_framing_of(&none, RL_HTTP_1_0);
  assert_true(!f.has_length && !f.chunked && !f.until_close);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_request_says_where_it_ends_and_what_comes_after_it),
                                     RUN(a_length_beside_a_coding_is_refused_in_either_order),
                                     RUN(a_response_of_unknown_length_is_chunked_or_ends_the_connection)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
