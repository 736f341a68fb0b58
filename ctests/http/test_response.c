#include "http/response.h"

#include "base/error.h"
#include "support/test.h"

typedef struct row {
  const char *what;
  rl_method method;
  rl_resp resp;
  rl_framing wanted;
} row;

#define WHOLE(code)                        \
  {                                        \
    .status = code, .body = { "hello", 5 } \
  }
#define STREAM(code) \
  { .status = code, .streamed = true }
#define SIZED(code, size) \
  { .status = code, .streamed = true, .has_length = true, .length = size }
#define LENGTH(size) \
  { .body = true, .has_length = true, .length = size }
#define NO_BODY(size) \
  { .has_length = true, .length = size }
#define NOTHING \
  { .body = false }

/* RFC 9110 section 6.4.1. */
static const row rows[] = {
    {"a whole body", RL_METHOD_GET, WHOLE(200), LENGTH(5)},
    {"none at all", RL_METHOD_POST, {.status = 201}, LENGTH(0)},
    {"a stream", RL_METHOD_GET, STREAM(200), {.body = true}},
    {"a stream of known size", RL_METHOD_GET, SIZED(200, 77), LENGTH(77)},
    {"HEAD says the length", RL_METHOD_HEAD, WHOLE(200), NO_BODY(5)},
    {"HEAD of a stream", RL_METHOD_HEAD, STREAM(200), NOTHING},
    {"HEAD of a stream of known size", RL_METHOD_HEAD, SIZED(200, 77), NO_BODY(77)},
    {"204", RL_METHOD_GET, WHOLE(204), NOTHING},
    {"204 streamed", RL_METHOD_GET, STREAM(204), NOTHING},
    {"304", RL_METHOD_GET, WHOLE(304), NOTHING},
    {"304 to HEAD", RL_METHOD_HEAD, SIZED(304, 77), NOTHING},
    {"205 says that it is empty", RL_METHOD_POST, WHOLE(205), NO_BODY(0)},
    {"205 streamed", RL_METHOD_POST, STREAM(205), NO_BODY(0)},
    {"an error", RL_METHOD_GET, WHOLE(500), LENGTH(5)},
};

TEST(the_framing_follows_from_method_status_and_what_is_known) {
  UNUSED;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const row *r = &rows[i];
    rl_req req = {.method = r->method};
    rl_framing f = rl_resp_framing(&req, &r->resp);
    bool same = f.body == r->wanted.body && f.has_length == r->wanted.has_length &&
                (!f.has_length || f.length == r->wanted.length);
    if (!same) fail_msg("%s", r->what);
  }
}

static int check(int status, const char *name, rl_slice value) {
  rl_header header = {.name = rl_slice_str(name), .value = value};
  rl_resp resp = {.status = status, .headers = &header, .header_count = 1};
  return rl_resp_check(&resp);
}

TEST(only_final_statuses_leave) {
  UNUSED;
  static const int good[] = {200, 204, 404, 599}, bad[] = {0, -1, 99, 100, 101, 103, 199, 600, 1000};
  for (size_t i = 0; i < 4; i++) assert_int_equal(check(good[i], "X-A", RL_SLICE("b")), 0);
  for (size_t i = 0; i < 9; i++) assert_int_equal(check(bad[i], "X-A", RL_SLICE("b")), RL_EINVALID);
}

/* CWE-113: response splitting. */
TEST(what_could_split_the_head_is_refused) {
  UNUSED;
  static const char *const names[] = {"", "a b", "a:", "a\r\nb", "a\n", "\xc3\xa9", "a\t", "(a)"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(check(200, names[i], RL_SLICE("x")), RL_EINVALID);
  static const rl_slice values[] = {{"a\r\nSet-Cookie: x", 16}, {"a\n", 2}, {"a\rb", 3}, {"a\0b", 3}, {"\x7f", 1}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    assert_int_equal(check(200, "X-A", values[i]), RL_EINVALID);
  assert_int_equal(check(200, "X-A", RL_SLICE("\xc3\xa9\ttext")), 0);
  rl_resp typed = {.status = 200, .content_type = RL_SLICE("text/html\r\nX: y")};
  assert_int_equal(rl_resp_check(&typed), RL_EINVALID);
}

TEST(framing_and_connection_are_ours) {
  UNUSED;
  static const char *const ours[] = {"Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "Date"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    assert_int_equal(check(200, ours[i], RL_SLICE("5")),
                     rl_resp_header_is_ours(rl_slice_str(ours[i])) ? RL_EINVALID : 0);
  for (size_t i = 0; i < 3; i++) assert_true(rl_resp_header_is_ours(rl_slice_str(ours[i])));
}

/* RFC 9110 section 6.5.1. */
TEST(a_trailer_may_not_be_what_means_something_in_a_head) {
  UNUSED;
  rl_header trailer = {.name = RL_SLICE("X-Checksum"), .value = RL_SLICE("abc")};
  assert_int_equal(rl_trailers_check(&trailer, 1), 0);
  static const char *const bad[] = {"Content-Length", "Host",         "Set-Cookie",
                                    "Authorization",  "Content-Type", "bad name"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    trailer.name = rl_slice_str(bad[i]);
    assert_int_equal(rl_trailers_check(&trailer, 1), RL_EINVALID);
  }
}

TEST(an_answer_of_our_own_is_one_line) {
  UNUSED;
  char room[64];
  rl_resp resp = rl_resp_plain(404, "Not Found", room, sizeof room);
  assert_int_equal(resp.status, 404);
  assert_slice(resp.body, "404: Not Found\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(the_framing_follows_from_method_status_and_what_is_known),
      RUN(only_final_statuses_leave),
      RUN(what_could_split_the_head_is_refused),
      RUN(framing_and_connection_are_ours),
      RUN(a_trailer_may_not_be_what_means_something_in_a_head),
      RUN(an_answer_of_our_own_is_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
